import type { TagDescription } from "@aws-sdk/client-ec2";
import type { FoundByKind } from "../../core/graph/duplicates.ts";
import type { Lost, ResourceContext } from "./context.ts";
import { ec2Pages } from "./pages.ts";
import type { Subnet } from "./subnet.ts";
import { idOfName } from "./tags.ts";

/** What ids of EC2 begin with, and the kinds of what Cortex makes there. */
const kindsByPrefix: Readonly<Record<string, string>> = {
  vpc: "vpc",
  subnet: "subnet",
  igw: "internet-gateway",
  eipalloc: "nat-address",
  nat: "nat-gateway",
  rtb: "route-table",
  vpce: "s3-endpoint",
  lt: "launch-template",
};
/** Those of which a cluster has one, and whose id is the name of the kind alone. */
const singles: ReadonlySet<string> = new Set(["vpc", "internet-gateway", "s3-endpoint"]);

/** @returns everything in EC2 that is named as Cortex names what it makes for this cluster */
export async function readNamed(
  { aws, clusterName }: ResourceContext,
  signal: AbortSignal,
): Promise<readonly TagDescription[]> {
  const ec2 = await aws.ec2();
  const Filters = [
    { Name: "key", Values: ["Name"] },
    { Name: "value", Values: [`${clusterName}/*`] },
  ];
  return ec2Pages(
    (page) => ec2.describeTags({ Filters, ...page }, signal),
    ({ Tags }) => Tags,
  );
}

/**
 * Somebody took away the tags that a resource is found by: without this it would be made a second time, and left behind in the end.
 * A name alone proves nothing, since anybody may give it: there must be a network of the cluster, known by a VPC or a subnet of it
 * that has its tags still, and what lies in a network must lie in that one. Pure.
 * @returns what was not found though it is named as ours; undefined where that is nothing
 */
export function findLost(named: readonly TagDescription[], found: FoundByKind): Lost | undefined {
  const vpcIds = new Set([
    ...(found.get("vpc") ?? []).map(({ label }) => label),
    ...(found.get("subnet") ?? []).map(({ state }) => (state as Subnet).vpcId),
  ]);
  if (vpcIds.size === 0) return undefined;
  const lost = named.filter(({ ResourceId = "", Value = "" }) => {
    const kind = kindsByPrefix[ResourceId.slice(0, ResourceId.indexOf("-"))];
    const id = idOfName(Value);
    if (kind === undefined || (singles.has(kind) ? id !== kind : !id.startsWith(`${kind}/`))) return false;
    return !(found.get(kind) ?? []).some((one) => one.label === ResourceId || one.id === id);
  });
  const names = [...new Set(lost.flatMap(({ Value }) => Value ?? []))];
  return names.length === 0 ? undefined : { names, vpcIds };
}
