import type { Aws } from "../../aws/aws.ts";
import { awsErrorName } from "../../aws/refusal.ts";
import type { ClusterId, ReachableCluster } from "../../core/cloud-cluster.ts";
import { CortexError } from "../../core/errors.ts";
import { namesOf } from "../resources/names.ts";
import { isOurs } from "../resources/owner.ts";

/**
 * Asks AWS for what it takes to speak to a cluster's API server and to push its images.
 * @throws ENVIRONMENT_NOT_FOUND; NOT_SUPPORTED for a cluster that is not ours; FAILED for one that is not made yet
 */
export async function reach(aws: Aws, id: ClusterId, signal: AbortSignal): Promise<ReachableCluster> {
  const [{ accountId, partition }, described] = await Promise.all([aws.identity(signal), describe(aws, id, signal)]);
  const { endpoint, certificateAuthority, status } = described;
  if (!isOurs(described, id.name)) throw notOurs(id);
  if (endpoint === undefined || certificateAuthority?.data === undefined) {
    throw new CortexError("FAILED", `the control plane of ${id.name} is ${status?.toLowerCase() ?? "not ready"}`, {
      hint: "run `cortex cluster up` again: it waits for it",
    });
  }
  const authorities = Buffer.from(certificateAuthority.data, "base64").toString();
  return {
    ...id,
    endpoint,
    authorities,
    accountId,
    registry: await registryOf(aws, { ...id, accountId, partition }, signal),
  };
}

async function describe(aws: Aws, id: ClusterId, signal: AbortSignal) {
  try {
    const { cluster } = await (await aws.eks()).describeCluster({ name: id.name }, signal);
    if (cluster) return cluster;
  } catch (error) {
    if (awsErrorName(error) !== "ResourceNotFoundException") throw error;
  }
  throw notThere(id);
}

export function notThere({ name, region }: ClusterId): CortexError {
  return new CortexError("ENVIRONMENT_NOT_FOUND", `there is no cluster ${name} in ${region}`, {
    hint: "`cortex cluster list` lists the clusters of this account, `cortex cluster up` makes one",
  });
}

export function notOurs({ name, region }: ClusterId): CortexError {
  return new CortexError("NOT_SUPPORTED", `cluster ${name} in ${region} was not made by \`cortex cluster up\``, {
    hint: "nothing of it is touched; choose another name, or use it as it is with `cortex env configure` and `cortex cluster install`",
  });
}

interface RepositoryPlace extends ClusterId {
  readonly accountId: string;
  readonly partition: string;
}

/** As ECR itself says; what it would be when the repository is not there yet. */
async function registryOf(aws: Aws, { name, region, accountId, partition }: RepositoryPlace, signal: AbortSignal) {
  const { repository, repositoryPrefix } = namesOf({ clusterName: name, accountId, region });
  try {
    const found = await (await aws.ecr()).describeRepositories({ repositoryNames: [repository] }, signal);
    const uri = found.repositories?.[0]?.repositoryUri;
    if (uri !== undefined) return uri.slice(0, uri.lastIndexOf("/"));
  } catch (error) {
    if (awsErrorName(error) !== "RepositoryNotFoundException") throw error;
  }
  const domain = partition === "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com";
  return `${accountId}.dkr.ecr.${region}.${domain}/${repositoryPrefix}`;
}
