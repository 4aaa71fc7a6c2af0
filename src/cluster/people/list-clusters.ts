import type { Aws } from "../../aws/aws.ts";
import { awsErrorName } from "../../aws/refusal.ts";
import { inUsableRegion } from "../../aws/regions.ts";
import type { ClusterList, ClusterSummary } from "../../core/cloud-cluster.ts";
import { CortexError } from "../../core/errors.ts";
import { allPages, pagesByToken } from "../pages.ts";
import { clusterNames, eksClusterTag, runningInstances, tagOf } from "../preflight/usage.ts";
import { clusterTag } from "../resources/context.ts";
import { clusterOfBucket } from "../resources/names.ts";
import { isOurs } from "../resources/owner.ts";

/**
 * Clusters that Cortex made, by region and name, half made ones and remains of such included.
 * @param regions undefined: all that the account uses. One that cannot be read hides no other.
 * @throws what keeps every region from being read
 */
export async function listClusters(
  aws: Aws,
  regions: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<ClusterList> {
  const asked = [...new Set(regions ?? (await usedRegions(aws, signal)))].sort();
  const look = (there: Aws) => inUsableRegion(there, clustersIn(there, signal), signal);
  const results = await Promise.allSettled(asked.map((region) => look(aws.inRegion(region))));
  signal.throwIfAborted();
  const failures = results.flatMap((result, index) =>
    result.status === "rejected" ? [{ region: asked[index]!, error: result.reason as unknown }] : [],
  );
  const decisive = failures.find(({ error }) => !(error instanceof CortexError) || failures.length === asked.length);
  if (decisive) throw decisive.error;
  return {
    clusters: results.flatMap((result) => (result.status === "fulfilled" ? result.value : [])),
    unread: failures.map(({ region, error }) => ({ region, message: (error as CortexError).message })),
  };
}

async function usedRegions(aws: Aws, signal: AbortSignal): Promise<readonly string[]> {
  const { Regions = [] } = await (await aws.ec2()).describeRegions({}, signal);
  return Regions.filter(({ OptInStatus }) => OptInStatus !== "not-opted-in").flatMap(
    ({ RegionName }) => RegionName ?? [],
  );
}

async function clustersIn(aws: Aws, signal: AbortSignal): Promise<readonly ClusterSummary[]> {
  const [names, parts, instances] = await Promise.all([
    clusterNames(aws, signal),
    namesOfParts(aws, signal),
    runningInstances(aws, [{ Name: "tag-key", Values: [eksClusterTag] }], signal),
  ]);
  const found = await Promise.all(names.map((name) => summaryOf(aws, name, signal)));
  const whole = found.flatMap((one) => one ?? []);
  const remains = [...new Set([...parts, ...instances.flatMap((one) => tagOf(one, clusterTag) ?? [])])]
    .filter((name) => !whole.some((one) => one.name === name))
    .map((name) => ({ name, region: aws.region, status: "incomplete", kubernetesVersion: "", nodes: 0 }));
  return [...whole, ...remains]
    .map((one) => ({ ...one, nodes: instances.filter((node) => tagOf(node, eksClusterTag) === one.name).length }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What AWS tells of for an hour after it is gone is none of them: instances, NAT gateways. */
const lastingParts = ["vpc", "subnet", "elastic-ip", "launch-template", "volume", "security-group"];

/** @returns names of the clusters that anything bears the tag of, or whose bucket is there: it is made first, and goes last */
async function namesOfParts(aws: Aws, signal: AbortSignal): Promise<readonly string[]> {
  const [ec2, s3] = await Promise.all([aws.ec2(), aws.s3()]);
  const Filters = [
    { Name: "key", Values: [clusterTag] },
    { Name: "resource-type", Values: lastingParts },
  ];
  const [tagged, buckets, { accountId }] = await Promise.all([
    pagesByToken((NextToken) => ec2.describeTags({ Filters, NextToken }, signal)),
    allPages(
      (ContinuationToken) => s3.listBuckets({ BucketRegion: aws.region, ContinuationToken }, signal),
      (page) => page.ContinuationToken,
    ),
    aws.identity(signal),
  ]);
  const named = buckets.flatMap(({ Buckets = [] }) => Buckets.map(({ Name = "" }) => Name));
  return [
    ...tagged.flatMap(({ Tags = [] }) => Tags.flatMap(({ Value }) => Value ?? [])),
    ...named.flatMap((bucket) => clusterOfBucket(bucket, { accountId, region: aws.region }) ?? []),
  ];
}

/** @returns undefined for a cluster that is not ours, or gone meanwhile */
async function summaryOf(aws: Aws, name: string, signal: AbortSignal): Promise<ClusterSummary | undefined> {
  try {
    const { cluster } = await (await aws.eks()).describeCluster({ name }, signal);
    if (!cluster || !isOurs(cluster, name)) return undefined;
    const status = cluster.status?.toLowerCase() ?? "";
    return { name, region: aws.region, status, kubernetesVersion: cluster.version ?? "", nodes: 0 };
  } catch (error) {
    if (awsErrorName(error) === "ResourceNotFoundException") return undefined;
    // Of clusters that are not ours one may be kept from looking.
    if (error instanceof CortexError && error.code === "NOT_AUTHORISED") return undefined;
    throw error;
  }
}
