import type { TagDescription } from "@aws-sdk/client-ec2";
import type { FoundByKind } from "../../core/graph/duplicates.ts";
import type { ResourceContext } from "./context.ts";
import { ec2Pages } from "./pages.ts";
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
 * Pure.
 * @returns names of what was not found though it is named as ours
 */
export function findLost(named: readonly TagDescription[], found: FoundByKind): readonly string[] {
  const lost = named.filter(({ ResourceId = "", Value = "" }) => {
    const kind = kindsByPrefix[ResourceId.slice(0, ResourceId.indexOf("-"))];
    const id = idOfName(Value);
    if (kind === undefined || (id !== kind && !id.startsWith(`${kind}/`))) return false;
    return !(found.get(kind) ?? []).some(({ label }) => label === ResourceId);
  });
  return [...new Set(lost.flatMap(({ Value }) => Value ?? []))];
}
