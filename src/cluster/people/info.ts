import type { Aws } from "../../aws/aws.ts";
import type { CloudInfo, ClusterId, ReachableCluster } from "../../core/cloud-cluster.ts";
import { CortexError } from "../../core/errors.ts";
import { notOurs, notThere } from "../lifecycle/reach.ts";
import type { PriceCache } from "../prices/price-cache.ts";
import { type Prices, readPrices } from "../prices/read-prices.ts";
import { type RunningCluster, readRunning } from "../prices/read-running.ts";
import { instancePerHour, runningCost, runningPriceKeys } from "../prices/running-cost.ts";
import { namesOf } from "../resources/names.ts";
import type { InsideLook } from "./look-inside.ts";
import { workplaceOf } from "./node-uses.ts";

export interface InfoPorts {
  /** Of the cluster's region. */
  readonly aws: Aws;
  readonly cache: PriceCache;
  reach(signal: AbortSignal): Promise<ReachableCluster>;
  look(cluster: ReachableCluster, signal: AbortSignal): Promise<InsideLook>;
}

/** What one look into the cluster found; empty where it does not answer. */
interface Inside extends InsideLook {
  readonly registry?: string;
  /** Why it could not be looked into. */
  readonly failure?: string;
}

/**
 * What a cluster is, does and costs now. AWS is asked at once; a cluster whose API server does not answer lacks its nodes and APIs.
 * @throws ENVIRONMENT_NOT_FOUND, NOT_SUPPORTED
 */
export async function readInfo(cluster: ClusterId, ports: InfoPorts, signal: AbortSignal): Promise<CloudInfo> {
  const { aws } = ports;
  // Who asks is asked first: that takes the least code.
  const [{ accountId }, found] = await Promise.all([aws.identity(signal), readRunning(aws, cluster.name, signal)]);
  mustBeOurs(found, cluster);
  const [prices, inside] = await Promise.all([pricesOf(found, ports, signal), lookInside(found, ports, signal)]);
  const { controlPlane, running } = found;
  const instances = new Map(running.instances.map((instance) => [instance.id, instance]));
  const { nodes, apis, idlePerHour, unscheduledReplicas } = workplaceOf(inside.nodes, inside.pods, (id) => {
    const instance = instances.get(id);
    return instance && instancePerHour(instance, prices);
  });
  return {
    cluster,
    status: controlPlane?.status?.toLowerCase() ?? "no control plane",
    kubernetesVersion: controlPlane?.version ?? "",
    ...(controlPlane?.endpoint !== undefined && { endpoint: controlPlane.endpoint }),
    ...(inside.apiEndpoint !== undefined && { apiEndpoint: inside.apiEndpoint }),
    bucket: namesOf({ clusterName: cluster.name, region: cluster.region, accountId }).bucket,
    ...(inside.registry !== undefined && { registry: inside.registry }),
    nodes,
    unscheduledReplicas,
    cost: runningCost(running, prices),
    apis,
    idlePerHour,
    warnings: [...(inside.failure === undefined ? [] : [inside.failure]), ...prices.warnings],
  };
}

/** @throws ENVIRONMENT_NOT_FOUND when nothing of it was found; NOT_SUPPORTED for a cluster that Cortex did not make */
export function mustBeOurs(found: RunningCluster, cluster: ClusterId): void {
  if (found.isTheirs) throw notOurs(cluster);
  if (isNothing(found)) throw notThere(cluster);
}

/** @returns whether nothing at all was found that costs money */
function isNothing({ controlPlane, running }: RunningCluster): boolean {
  const { instances, volumes, natGateways, networkLoadBalancers, classicLoadBalancers, addresses } = running;
  const count = natGateways + networkLoadBalancers + classicLoadBalancers + addresses;
  return !controlPlane && count + instances.length + volumes.length === 0;
}

async function pricesOf({ running }: RunningCluster, { aws, cache }: InfoPorts, signal: AbortSignal): Promise<Prices> {
  const spot = running.instances.filter(({ market }) => market === "spot");
  return readPrices(
    {
      aws,
      cache,
      keys: runningPriceKeys(running),
      spot: {
        types: [...new Set(spot.map(({ type }) => type))],
        zones: [...new Set(spot.map(({ zone }) => zone))],
      },
    },
    signal,
  );
}

async function lookInside({ controlPlane }: RunningCluster, ports: InfoPorts, signal: AbortSignal): Promise<Inside> {
  const none = { nodes: [], pods: [] };
  if (controlPlane?.endpoint === undefined) return none;
  let registry: string | undefined;
  try {
    const reachable = await ports.reach(signal);
    registry = reachable.registry;
    return { ...(await ports.look(reachable, signal)), registry };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof CortexError)) throw error;
    const failure = `nodes and APIs are not known: ${error.message}`;
    return { ...none, ...(registry !== undefined && { registry }), failure };
  }
}
