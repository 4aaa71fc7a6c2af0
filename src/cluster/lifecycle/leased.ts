import { awsErrorName } from "../../aws/refusal.ts";
import type { WalkListener } from "../../core/cloud-cluster.ts";
import { type Lease, type LeaseOptions, takeLease } from "../lease.ts";
import { markOfProcess, personAndMachine } from "../lease-holder.ts";
import { namesOf } from "../resources/names.ts";
import type { ClusterKinds } from "./kinds.ts";

export interface Leased {
  readonly kinds: ClusterKinds;
  /** The command, e.g. `cluster up`. */
  readonly what: string;
  readonly onEvent: WalkListener;
}

/** What is done under a lease stops when it is lost: `held` aborts then, too. */
type Work<T, L> = (held: AbortSignal, lease: L) => Promise<T>;

/** @throws CONFLICT naming who else is at it, or saying that the lease was lost */
export async function withLease<T>(leased: Leased, work: Work<T, Lease>, signal: AbortSignal): Promise<T> {
  await using lease = await takeLease(await leaseOptions(leased), signal);
  return await work(AbortSignal.any([signal, lease.lost]), lease);
}

/** The same for a cluster whose bucket may be gone already: then there is no lease, and nobody to keep away. */
export async function withLeaseIfAny<T>(
  leased: Leased,
  work: Work<T, Lease | undefined>,
  signal: AbortSignal,
): Promise<T> {
  // A bucket that is not there is not one that is not known yet, which would be waited for.
  const [bucket] = await leased.kinds.network.bucket.list(signal);
  await using lease = bucket && (await takeLease(await leaseOptions(leased), signal).catch(noBucket));
  return await work(lease ? AbortSignal.any([signal, lease.lost]) : signal, lease);
}

function noBucket(error: unknown): undefined {
  if (awsErrorName(error) !== "NoSuchBucket") throw error;
}

async function leaseOptions({ kinds, what, onEvent }: Leased): Promise<LeaseOptions> {
  const { aws, identity, clusterName } = kinds.context;
  const { bucket } = namesOf({ clusterName, accountId: identity.accountId, region: aws.region });
  return {
    aws,
    bucket,
    who: `${personAndMachine()} (${identity.arn})`,
    what,
    process: await markOfProcess(),
    onTakenOver: (detail) => onEvent({ id: "lease", title: "lease", action: "settle", phase: "note", detail }),
  };
}
