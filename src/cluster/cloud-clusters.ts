import { inUsableRegion } from "../aws/regions.ts";
import type { CloudClusters, CloudPlan } from "../core/cloud-cluster.ts";
import { applyDown } from "./lifecycle/apply-down.ts";
import { applyUp } from "./lifecycle/apply-up.ts";
import { type Planned, planCluster, type UpWork } from "./lifecycle/plan-cluster.ts";
import { type DownWork, planRemoval } from "./lifecycle/plan-removal.ts";
import { planUpgrade } from "./lifecycle/plan-upgrade.ts";
import { reach } from "./lifecycle/reach.ts";
import type { Surroundings } from "./lifecycle/surroundings.ts";
import { checkCloud } from "./people/check-cloud.ts";
import { describeCluster } from "./people/described-cluster.ts";
import { readInfo } from "./people/info.ts";
import { listClusters } from "./people/list-clusters.ts";
import { priceCacheIn } from "./prices/price-cache.ts";

/** Clusters on AWS. What a plan takes to be done is remembered with it, so only plans of the same instance can be done. */
export function cloudClusters(surroundings: Surroundings): CloudClusters {
  const works = new WeakMap<CloudPlan, UpWork | DownWork>();
  const remembered = ({ plan, work }: Planned<UpWork | DownWork>): CloudPlan => {
    works.set(plan, work);
    return plan;
  };
  const workOf = <Kind extends "up" | "down">(plan: CloudPlan, kind: Kind) => {
    const work = works.get(plan);
    if (work?.kind !== kind) throw new Error(`this is no plan of these clusters to go ${kind} by`);
    return work as Extract<UpWork | DownWork, { readonly kind: Kind }>;
  };
  const { aws } = surroundings;
  const inRegion = <T>(region: string, work: Promise<T>, signal: AbortSignal) =>
    inUsableRegion(aws.inRegion(region), work, signal);
  const planned = async (region: string, work: Promise<Planned<UpWork | DownWork>>, signal: AbortSignal) =>
    remembered(await inRegion(region, work, signal));
  return {
    planUp: (cluster, signal) =>
      planned(cluster.region, planCluster(surroundings, cluster, { mustExist: false }, signal), signal),
    planConfigure: (cluster, signal) =>
      planned(cluster.region, planCluster(surroundings, cluster, { mustExist: true }, signal), signal),
    planUpgrade: (id, version, signal) => planned(id.region, planUpgrade(surroundings, id, version, signal), signal),
    planDown: (id, options, signal) => planned(id.region, planRemoval(surroundings, id, options, signal), signal),
    apply: async (plan, onEvent, signal) => applyUp(surroundings, { plan, work: workOf(plan, "up") }, onEvent, signal),
    down: async (plan, _options, onEvent, signal) =>
      applyDown(surroundings, { plan, work: workOf(plan, "down") }, onEvent, signal),
    reach: (id, signal) => inRegion(id.region, reach(aws.inRegion(id.region), id, signal), signal),
    info(id, signal) {
      const ofRegion = aws.inRegion(id.region);
      const cache = priceCacheIn(surroundings.home);
      const { inside } = surroundings;
      const ports = { reach: (until: AbortSignal) => reach(ofRegion, id, until), look: inside.look.bind(inside) };
      return inRegion(id.region, readInfo(id, { aws: ofRegion, cache, ...ports }, signal), signal);
    },
    config(id, signal) {
      const ports = { aws: aws.inRegion(id.region), inside: surroundings.inside };
      return inRegion(id.region, describeCluster(id, ports, signal), signal);
    },
    list: (regions, signal) => listClusters(aws, regions, signal),
    health: (id, signal) => inRegion(id.region, checkCloud(aws.inRegion(id.region), id, signal), signal),
    async [Symbol.asyncDispose]() {
      await aws[Symbol.asyncDispose]();
    },
  };
}
