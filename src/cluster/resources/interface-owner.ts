import type { NetworkInterface } from "@aws-sdk/client-ec2";
import type { Holders } from "./wait.ts";

/** They are removed, or are going already, when what they belong to is removed with a cluster. */
const passing = /^(?:ELB |Amazon EKS |Interface for NAT Gateway )/;

/** By what AWS writes into the description of an interface that it makes for a service. */
const byDescription: readonly (readonly [RegExp, string])[] = [
  [/^ELB (?:app|net|gwy)\/([^/]+)/, "load balancer $1"],
  [/^ELB (\S+)/, "load balancer $1"],
  [/^Amazon EKS (\S+)/, "the control plane of $1"],
  [/^Interface for NAT Gateway (\S+)/, "NAT gateway $1"],
  [/^VPC Endpoint Interface (\S+)/, "VPC endpoint $1"],
  [/^AWS Lambda VPC ENI-(.+?)(?:-[0-9a-f-]{36})?$/, "Lambda function $1"],
  [/^EFS mount target for (\S+)/, "EFS file system $1"],
  [/^RDSNetworkInterface/, "an RDS database"],
  [/^ElastiCache (\S+)/, "ElastiCache $1"],
  [/^arn:aws[-a-z]*:ecs:/, "an ECS task"],
];

/** @returns who holds an interface, as the user would look for it, e.g. `load balancer k8s-apis` */
export function ownerOf(one: NetworkInterface): string {
  const description = one.Description ?? "";
  for (const [pattern, owner] of byDescription) {
    const match = pattern.exec(description);
    if (match) return owner.replace("$1", match[1] ?? "");
  }
  const instance = one.Attachment?.InstanceId;
  if (instance) return `instance ${instance}`;
  if (/^nat/.test(one.InterfaceType ?? "")) return "a NAT gateway";
  const who = one.RequesterId ?? one.Attachment?.InstanceOwnerId ?? one.OwnerId;
  return description || (who ? `something of ${who}` : "something that AWS does not name");
}

/** @returns the interfaces with their owners, e.g. `eni-0a1b (load balancer k8s-apis)`: the first few, and how many more */
export function holdersOf(all: readonly NetworkInterface[], shown = 3): Holders {
  const lines = all.slice(0, shown).map((one) => `${one.NetworkInterfaceId} (${ownerOf(one)})`);
  const names = all.length > shown ? `${lines.join(", ")} and ${all.length - shown} more` : lines.join(", ");
  const areLasting = all.length > 0 && !all.some(({ Description }) => passing.test(Description ?? ""));
  return { names, areLasting };
}
