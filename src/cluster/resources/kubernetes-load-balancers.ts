import type { TargetGroup } from "@aws-sdk/client-elastic-load-balancing-v2";
import type { Aws } from "../../aws/aws.ts";
import { awsErrorName } from "../../aws/refusal.ts";
import type { Found } from "../../core/graph/resource.ts";
import { partsOf } from "../pages.ts";
import type { ResourceContext } from "./context.ts";
import { type Around, isMadeByKubernetes } from "./kubernetes-tags.ts";
import { classicLoadBalancers, deleteLoadBalancer, type LoadBalancer, networkLoadBalancers } from "./load-balancers.ts";
import { allItems } from "./pages.ts";
import { type RemovableKind, removableKind } from "./removable.ts";
import { type Tags, tagsFrom } from "./tags.ts";
import { removeWhenFree } from "./wait.ts";

export interface KubernetesLoadBalancers {
  readonly loadBalancer: RemovableKind<LoadBalancer>;
  readonly classicLoadBalancer: RemovableKind<LoadBalancer>;
  readonly targetGroup: RemovableKind<TargetGroup>;
}

/** They need no gateway of the cluster any more to be deleted, but hold it, its subnets and their groups until they are gone. */
const needs = ["subnet", "internet-gateway", "kubernetes-security-group"];

export function kubernetesLoadBalancers(context: ResourceContext, around: Around): KubernetesLoadBalancers {
  const { aws } = context;
  const isTagged = (tags: Tags) => isMadeByKubernetes(context, tags);
  return {
    loadBalancer: removableKind({
      name: "load-balancer",
      title: "load balancer",
      needs: [...needs, "target-group"],
      removeMs: 3_000,
      async list(signal) {
        const all = await networkLoadBalancers(aws, signal);
        return (await ofCluster(all, ({ vpcId }) => vpcId)(around, v2Tags(aws), isTagged, signal)).map(found);
      },
      remove: (state, _waiting, signal) => deleteLoadBalancer(aws, state, signal),
    }),
    classicLoadBalancer: removableKind({
      name: "classic-load-balancer",
      title: "classic load balancer",
      needs,
      removeMs: 3_000,
      async list(signal) {
        const all = await classicLoadBalancers(aws, signal);
        return (await ofCluster(all, ({ vpcId }) => vpcId)(around, classicTags(aws), isTagged, signal)).map(found);
      },
      remove: (state, _waiting, signal) => deleteLoadBalancer(aws, state, signal),
    }),
    targetGroup: removableKind({
      name: "target-group",
      title: "target group",
      needs: ["vpc"],
      removeMs: 2_000,
      async list(signal) {
        const all = await targetGroups(aws, signal);
        const tags = v2Tags(aws);
        const ours = await ofCluster(all, ({ VpcId = "" }) => VpcId)(
          around,
          (some, stop) =>
            tags(
              some.map(({ TargetGroupArn = "" }) => ({ id: TargetGroupArn })),
              stop,
            ),
          isTagged,
          signal,
        );
        return ours.map((state) => {
          const label = state.TargetGroupName ?? "";
          return { id: `target-group/${label}`, label, state, status: "ready" };
        });
      },
      async remove({ TargetGroupArn, TargetGroupName }, waiting, signal) {
        const service = await aws.loadBalancers();
        const removal = {
          what: `target group ${TargetGroupName}`,
          gone: ["TargetGroupNotFound", "TargetGroupNotFoundException"],
          busy: ["ResourceInUse", "ResourceInUseException"],
          remove: () => service.deleteTargetGroup({ TargetGroupArn }, signal),
          release: async () => ({ names: "a load balancer" }),
        };
        await removeWhenFree(removal, waiting, signal);
      },
    }),
  };
}

function found(state: LoadBalancer): Found<LoadBalancer> {
  const kind = state.type === "v2" ? "load-balancer" : "classic-load-balancer";
  return {
    id: `${kind}/${state.name}`,
    label: state.name,
    state,
    status: state.isMaking ? "making" : "ready",
    ...(state.createdAt !== undefined && { createdAt: state.createdAt }),
  };
}

type ReadTags<T> = (some: readonly T[], signal: AbortSignal) => Promise<readonly Tags[]>;

/** How many AWS tells the tags of at once. */
const tagsAtOnce = 20;

/** Kubernetes makes them where its nodes are: in the cluster's VPC all are its own, elsewhere those that bear its tags. */
function ofCluster<T>(all: readonly T[], vpcOf: (one: T) => string) {
  return async (
    around: Around,
    readTags: ReadTags<T>,
    isTagged: (tags: Tags) => boolean,
    signal: AbortSignal,
  ): Promise<T[]> => {
    if (all.length === 0) return [];
    const { vpcIds, areTagsOurs } = await around(signal);
    if (vpcIds.size > 0) return all.filter((one) => vpcIds.has(vpcOf(one)));
    if (!areTagsOurs) return [];
    const tags = (await Promise.all(partsOf(all, tagsAtOnce).map((some) => readTags(some, signal)))).flat();
    return all.filter((_, index) => isTagged(tags[index] ?? {}));
  };
}

interface Identified {
  readonly id: string;
}

/** One that went away while it was asked for has none. */
async function ifThere<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (/NotFound(?:Exception)?$/.test(awsErrorName(error) ?? "")) return undefined;
    throw error;
  }
}

function v2Tags(aws: Aws): ReadTags<Identified> {
  return async (some, signal) => {
    const service = await aws.loadBalancers();
    const answer = await ifThere(() => service.describeTags({ ResourceArns: some.map(({ id }) => id) }, signal));
    const tags = new Map(answer?.TagDescriptions?.map(({ ResourceArn, Tags }) => [ResourceArn, tagsFrom(Tags)]));
    return some.map(({ id }) => tags.get(id) ?? {});
  };
}

function classicTags(aws: Aws): ReadTags<Identified> {
  return async (some, signal) => {
    const service = await aws.classicLoadBalancers();
    const answer = await ifThere(() => service.describeTags({ LoadBalancerNames: some.map(({ id }) => id) }, signal));
    const tags = new Map(answer?.TagDescriptions?.map((one) => [one.LoadBalancerName, tagsFrom(one.Tags)]));
    return some.map(({ id }) => tags.get(id) ?? {});
  };
}

async function targetGroups(aws: Aws, signal: AbortSignal): Promise<TargetGroup[]> {
  const service = await aws.loadBalancers();
  return allItems(
    (Marker) => service.describeTargetGroups({ Marker }, signal),
    (page) => page.TargetGroups,
    ({ NextMarker }) => NextMarker,
  );
}
