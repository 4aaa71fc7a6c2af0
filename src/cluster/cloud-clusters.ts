import { inUsableRegion } from "../aws/regions.ts";
import type { CloudClusters, CloudPlan } from "../core/cloud-cluster.ts";
import type { Planned, UpWork } from "./lifecycle/plan-cluster.ts";
import type { DownWork } from "./lifecycle/plan-removal.ts";
import type { Surroundings } from "./lifecycle/surroundings.ts";

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
  // Each enters when it is used: to look at a cluster takes a tenth of what makes one.
  return {
    async planUp(cluster, signal) {
      const { planCluster } = await import("./lifecycle/plan-cluster.ts");
      return planned(cluster.region, planCluster(surroundings, cluster, { mustExist: false }, signal), signal);
    },
    async planConfigure(cluster, signal) {
      const { planCluster } = await import("./lifecycle/plan-cluster.ts");
      return planned(cluster.region, planCluster(surroundings, cluster, { mustExist: true }, signal), signal);
    },
    async planUpgrade(id, version, signal) {
      const { planUpgrade } = await import("./lifecycle/plan-upgrade.ts");
      return planned(id.region, planUpgrade(surroundings, id, version, signal), signal);
    },
    async planDown(id, options, signal) {
      const { planRemoval } = await import("./lifecycle/plan-removal.ts");
      return planned(id.region, planRemoval(surroundings, id, options, signal), signal);
    },
    async apply(plan, onEvent, signal) {
      const { applyUp } = await import("./lifecycle/apply-up.ts");
      return applyUp(surroundings, { plan, work: workOf(plan, "up") }, onEvent, signal);
    },
    async down(plan, _options, onEvent, signal) {
      const { applyDown } = await import("./lifecycle/apply-down.ts");
      return applyDown(surroundings, { plan, work: workOf(plan, "down") }, onEvent, signal);
    },
    async reach(id, signal) {
      const { reach } = await import("./lifecycle/reach.ts");
      return inRegion(id.region, reach(aws.inRegion(id.region), id, signal), signal);
    },
    async info(id, signal) {
      const [{ readInfo }, { reach }, { priceCacheIn }] = await Promise.all([
        import("./people/info.ts"),
        import("./lifecycle/reach.ts"),
        import("./prices/price-cache.ts"),
      ]);
      const ofRegion = aws.inRegion(id.region);
      const { home, inside } = surroundings;
      const ports = { reach: (until: AbortSignal) => reach(ofRegion, id, until), look: inside.look.bind(inside) };
      return inRegion(id.region, readInfo(id, { aws: ofRegion, cache: priceCacheIn(home), ...ports }, signal), signal);
    },
    async config(id, signal) {
      const { describeCluster } = await import("./people/described-cluster.ts");
      const ports = { aws: aws.inRegion(id.region), inside: surroundings.inside };
      return inRegion(id.region, describeCluster(id, ports, signal), signal);
    },
    async list(regions, signal) {
      const { listClusters } = await import("./people/list-clusters.ts");
      return listClusters(aws, regions, signal);
    },
    async health(id, signal) {
      const { checkCloud } = await import("./people/check-cloud.ts");
      return inRegion(id.region, checkCloud(aws.inRegion(id.region), id, signal), signal);
    },
    async [Symbol.asyncDispose]() {
      await aws[Symbol.asyncDispose]();
    },
  };
}
