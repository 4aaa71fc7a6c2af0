import type { Aws, AwsIdentity } from "../../aws/aws.ts";

/** What every kind of resource of a cluster knows. */
export interface ResourceContext {
  readonly aws: Aws;
  readonly identity: AwsIdentity;
  readonly clusterName: string;
  /** Of the user, for everything. */
  readonly tags: Readonly<Record<string, string>>;
  /** What in EC2 has lost the tags that it is found by: see `findLost`. */
  readonly lost?: Lost;
}

export interface Lost {
  /** Values of the tag `Name`. */
  readonly names: readonly string[];
  /** The network of the cluster: what lies in another one is somebody else's, whatever its name is. */
  readonly vpcIds: ReadonlySet<string>;
}

/** Marks what belongs to a cluster; it is what Cortex has always used, so reports on costs go on. */
export const clusterTag = "cortex.dev/cluster-name";
/** Holds the id of a resource within its cluster. Both tags together find it, from the moment it is made. */
export const resourceTag = "cortex.dev/resource";
/** Written last on what takes several steps to make, where the later ones do not show. */
export const completeTag = "cortex.dev/complete";

/** @returns the tags of the resource `id`, ours last so that none of the user's stands for them */
export function tagsOf({ clusterName, tags }: ResourceContext, id: string): Readonly<Record<string, string>> {
  return { ...tags, Name: `${clusterName}/${id}`, [clusterTag]: clusterName, [resourceTag]: id };
}
