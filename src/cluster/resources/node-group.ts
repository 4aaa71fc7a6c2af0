import type { CreateNodegroupRequest } from "@aws-sdk/client-eks";
import type { Eks } from "../../aws/services/eks.ts";
import { poll } from "../../core/graph/poll.ts";
import type { ResourceKind, States } from "../../core/graph/resource.ts";
import type { ManagedGroup } from "../node-groups.ts";
import { type SubnetRef, subnetIds } from "../wanted-network.ts";
import { completeTag, type ResourceContext, tagsOf } from "./context.ts";
import { awaitsRole, type Change, isInUse, makeNamed, orAbsent, update, type Waiting } from "./eks-calls.ts";
import type { LaunchTemplateKind } from "./launch-template.ts";
import { diskChanges, nodeGroupDifferences, scalingChange, subnetDifferences } from "./node-group-differences.ts";
import { cannotRemove, explained, failed, gone } from "./node-group-errors.ts";
import { allGroups, describe, foundOf, isOurs, stateOf } from "./node-group-state.ts";
import { watchTrouble } from "./node-group-trouble.ts";
import { tagNodes } from "./node-tags.ts";
import { iamTellsWithinMs, type RoleState, type RoleWish } from "./role.ts";
import type { SubnetKind } from "./subnet.ts";
import { type Tags, tagDifferences } from "./tags.ts";
import { tryUntil } from "./try-until.ts";

export interface NodeGroupWish {
  /** `node-group/cpu`. */
  readonly id: string;
  readonly group: ManagedGroup;
  /** `1.34`; only in an upgrade. Undefined: it has the version that it has, a new one that of the control plane. */
  readonly version?: string;
  /** Ids of other wishes; undefined in an upgrade, which leaves them as they are. */
  readonly role?: string;
  readonly launchTemplate?: string;
  readonly subnets?: readonly SubnetRef[];
}

export interface NodeGroup {
  readonly name: string;
  readonly arn: string;
  /** Of EKS: ACTIVE, DEGRADED … */
  readonly status: string;
  readonly version: string;
  /** Of its machine image: `1.34.2-20261120`. */
  readonly releaseVersion: string;
  readonly min: number;
  readonly max: number;
  readonly desired: number;
  readonly instanceTypes: readonly string[];
  readonly isSpot: boolean;
  readonly amiType: string;
  readonly labels: Readonly<Record<string, string>>;
  /** As EKS writes them. */
  readonly taints: readonly { readonly key: string; readonly value: string; readonly effect: string }[];
  readonly subnetIds: readonly string[];
  readonly launchTemplate?: { readonly templateId: string; readonly version: number };
  readonly autoScalingGroup?: string;
  /** What EKS says is wrong with it, in a line; empty: nothing. */
  readonly issues: string;
  readonly tags: Tags;
}

export type NodeGroupKind = ResourceKind<NodeGroupWish, NodeGroup>;

export interface NodeGroupNeeds {
  readonly role: ResourceKind<RoleWish, RoleState>;
  readonly subnet: SubnetKind;
  readonly launchTemplate: LaunchTemplateKind;
  /** Its changes are those of its version: one node after another is emptied. */
  readonly isUpgrade: boolean;
}

const minuteMs = 60_000;
const createMs = 2.5 * minuteMs;
const removeMs = 4 * minuteMs;
const scaleMs = 30_000;
const longestMs = 45 * minuteMs;
const mostAbsences = 10;
/** Of the nodes of a group so many percent are exchanged at once, one at least. */
export const exchangedAtOnce = 25;

export function nodeGroupKind(context: ResourceContext, needs: NodeGroupNeeds): NodeGroupKind {
  const { aws, clusterName } = context;
  const updateMs = needs.isUpgrade ? 10 * minuteMs : scaleMs;

  return {
    name: "node-group",
    title: "node group",
    needs: [
      "control-plane",
      "role",
      "launch-template",
      "pod-identity",
      "subnet",
      "route-table",
      "volume",
      "network-interface",
    ],
    typicalMs: { create: createMs, update: updateMs, remove: removeMs },

    async list(signal) {
      const eks = await aws.eks();
      const names = await allGroups(eks, clusterName, signal);
      const groups = await Promise.all(names.map((name) => describe(eks, clusterName, name, signal)));
      return groups.flatMap((group) => (group && isOurs(group, clusterName) ? [foundOf(group)] : []));
    },

    async create(wish, doing, signal) {
      const eks = await aws.eks();
      const { name } = wish.group;
      const request = requestOf(context, wish, doing.states);
      const taken = `there is a node group ${name} in ${clusterName} that Cortex did not make`;
      await tryUntil({ ...doing, limitMs: iamTellsWithinMs, isWorthAnother: awaitsRole }, signal, () =>
        makeNamed(
          () => explained(eks.createNodegroup(request, signal)),
          taken,
          "remove it, or name the group otherwise",
        ),
      );
      const state = await untilActive(eks, name, { ...doing, typicalMs: createMs }, signal);
      return finish(eks, wish, state, signal);
    },

    *differences(wish, state, states) {
      yield* nodeGroupDifferences(wish.group, state, wish.version);
      yield* tagDifferences(allTags(wish), state.tags);
      if (wish.subnets) yield* subnetDifferences(wish.group, state, subnetIds(wish.subnets, states, needs));
      if (wish.launchTemplate === undefined) return;
      yield* diskChanges(wish.group, state, states.of(needs.launchTemplate, wish.launchTemplate));
    },

    async update(wish, state, doing, signal) {
      const eks = await aws.eks();
      await exchangeNodes(eks, wish, state, doing, signal);
      await scale(eks, wish, state, doing, signal);
      const now = await untilActive(eks, state.name, { ...doing, typicalMs: updateMs, isThere: true }, signal);
      return finish(eks, wish, now, signal);
    },

    async settle(found, doing, signal) {
      const typicalMs = found.status === "making" ? createMs : updateMs;
      const wait = { ...doing, typicalMs, isThere: true, isOld: true };
      return untilActive(await aws.eks(), found.state.name, wait, signal);
    },

    async remove({ name: nodegroupName }, { clock, report }, signal) {
      const eks = await aws.eks();
      const isBusy = (error: unknown) => isInUse(error) && "waiting until EKS is done with another change of it";
      await tryUntil({ clock, report, limitMs: longestMs, isWorthAnother: isBusy }, signal, async () => {
        const group = await describe(eks, clusterName, nodegroupName, signal);
        if (!group || group.status === "DELETING") return;
        await orAbsent(eks.deleteNodegroup({ clusterName, nodegroupName }, signal));
      });
      const isGone = async (stop: AbortSignal) => {
        const group = await describe(eks, clusterName, nodegroupName, stop);
        if (group?.status === "DELETE_FAILED") throw cannotRemove(stateOf(group));
        return group === undefined ? true : undefined;
      };
      const until = `node group ${nodegroupName} is gone`;
      await poll(isGone, { clock, until, typicalMs: removeMs, timeoutMs: longestMs }, signal);
    },
  };

  function requestOf(of: ResourceContext, wish: NodeGroupWish, states: States): CreateNodegroupRequest {
    const { role = "", launchTemplate = "", subnets = [], group, version } = wish;
    const template = states.of(needs.launchTemplate, launchTemplate);
    return {
      clusterName: of.clusterName,
      nodegroupName: group.name,
      // One that grows by itself begins as small as it may be.
      scalingConfig: { minSize: group.min, maxSize: group.max, desiredSize: firstSize(group) },
      updateConfig: { maxUnavailablePercentage: exchangedAtOnce },
      subnets: [...subnetIds(subnets, states, needs)],
      instanceTypes: [...group.instanceTypes],
      capacityType: group.isSpot ? "SPOT" : "ON_DEMAND",
      amiType: group.amiType,
      nodeRole: states.of(needs.role, role).arn,
      labels: { ...group.labels },
      taints: group.taints.map((taint) => ({ ...taint, effect: "NO_SCHEDULE" as const })),
      launchTemplate: { id: template.templateId, version: String(template.version) },
      tags: { ...tagsOf(of, wish.id) },
      ...(version !== undefined && { version }),
    };
  }

  /** Nodes of another version, or of another launch template, come before those of today are emptied and go. */
  async function exchangeNodes(
    eks: Eks,
    wish: NodeGroupWish,
    state: NodeGroup,
    doing: Waiting & { readonly states: States },
    signal: AbortSignal,
  ): Promise<void> {
    const { version } = wish;
    const template =
      wish.launchTemplate === undefined ? undefined : doing.states.of(needs.launchTemplate, wish.launchTemplate);
    const isBehind = (now: NodeGroup) =>
      template !== undefined && (now.launchTemplate?.version ?? 0) < template.diskVersion;
    const isOlder = (now: NodeGroup) => version !== undefined && version !== now.version;
    if (!isOlder(state) && !isBehind(state)) return;
    doing.report("new nodes come, then those of today are emptied and go");
    const input = {
      clusterName,
      nodegroupName: state.name,
      ...(isOlder(state) && { version }),
      ...(template &&
        isBehind(state) && { launchTemplate: { id: template.templateId, version: `${template.version}` } }),
    };
    const change: Change = {
      ask: (clientRequestToken) => explained(eks.updateNodegroupVersion({ ...input, clientRequestToken }, signal)),
      isDone: async () => {
        const now = await current(eks, state, signal);
        return !isOlder(now) && !isBehind(now);
      },
    };
    await update(eks, { ...updated(state), typicalMs: 10 * minuteMs }, change, doing, signal);
  }

  async function scale(
    eks: Eks,
    { group }: NodeGroupWish,
    state: NodeGroup,
    doing: Waiting,
    signal: AbortSignal,
  ): Promise<void> {
    const wanted = scalingChange(group, state);
    if (!wanted) return;
    const input = { clusterName, nodegroupName: state.name, ...wanted };
    const change: Change = {
      ask: (clientRequestToken) => eks.updateNodegroupConfig({ ...input, clientRequestToken }, signal),
      isDone: async () => scalingChange(group, await current(eks, state, signal)) === undefined,
    };
    await update(eks, { ...updated(state), typicalMs: scaleMs }, change, doing, signal);
  }

  async function current(eks: Eks, before: NodeGroup, signal: AbortSignal): Promise<NodeGroup> {
    const group = await describe(eks, clusterName, before.name, signal);
    return group ? stateOf(group) : before;
  }

  function updated({ name }: NodeGroup) {
    return { cluster: clusterName, nodeGroup: name, what: `node group ${name}` };
  }

  function allTags({ id, group }: NodeGroupWish): Tags {
    return { ...tagsOf(context, id), ...(group.infs > 0 && { [completeTag]: "yes" }) };
  }

  /** What the autoscaler must know of nodes before there is any: it knows GPUs by itself, Inferentia chips it does not. */
  async function finish(eks: Eks, wish: NodeGroupWish, state: NodeGroup, signal: AbortSignal): Promise<NodeGroup> {
    const tags = allTags(wish);
    if (tagDifferences(tags, state.tags).length === 0) return state;
    if (state.autoScalingGroup !== undefined && tagDifferences(context.tags, state.tags).length > 0) {
      const { name: nodeGroup, autoScalingGroup } = state;
      await tagNodes(aws, { clusterName, nodeGroup, autoScalingGroup }, context.tags, signal);
    }
    if (wish.group.infs > 0 && state.autoScalingGroup !== undefined) {
      const autoScaling = await aws.autoScaling();
      const tag = {
        ResourceId: state.autoScalingGroup,
        ResourceType: "auto-scaling-group",
        Key: "k8s.io/cluster-autoscaler/node-template/resources/aws.amazon.com/neuron",
        Value: String(wish.group.infs),
        PropagateAtLaunch: false,
      };
      await autoScaling.createOrUpdateTags({ Tags: [tag] }, signal);
    }
    await eks.tagResource({ resourceArn: state.arn, tags: { ...tags } }, signal);
    return { ...state, tags: { ...state.tags, ...tags } };
  }

  /** @throws as soon as it is known that it will not become so, with the cause */
  async function untilActive(
    eks: Eks,
    name: string,
    wait: Waiting & { readonly typicalMs: number; readonly isThere?: boolean; readonly isOld?: boolean },
    signal: AbortSignal,
  ): Promise<NodeGroup> {
    const { clock, report, typicalMs, isThere = false, isOld = false } = wait;
    const troubles = watchTrouble(aws, name, { clock, isOld });
    let absences = isThere ? mostAbsences - 1 : 0;
    const look = async (stop: AbortSignal): Promise<NodeGroup | undefined> => {
      const group = await describe(eks, clusterName, name, stop);
      if (!group) {
        absences += 1;
        if (absences >= mostAbsences) throw gone(name);
        return undefined;
      }
      const state = stateOf(group);
      if (state.status === "ACTIVE" || state.status === "DEGRADED") return state;
      if (state.status === "DELETING") throw gone(name);
      const trouble = await troubles.look(group, stop);
      if (trouble.cause) throw trouble.cause;
      if (state.status.endsWith("_FAILED")) throw failed(state, trouble.text);
      if (trouble.text) report(trouble.text);
      return undefined;
    };
    return poll(look, { clock, until: `node group ${name} is ready`, typicalMs, timeoutMs: longestMs }, signal);
  }
}

/** One that takes the place of another is as large, so that what runs there can move at once. */
function firstSize({ min, max, replaces }: ManagedGroup): number {
  return Math.min(max, Math.max(min, replaces?.desired ?? min));
}
