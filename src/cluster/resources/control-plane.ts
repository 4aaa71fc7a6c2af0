import type { CreateClusterRequest, LogType, UpdateClusterConfigRequest } from "@aws-sdk/client-eks";
import type { Eks } from "../../aws/services/eks.ts";
import { CortexError } from "../../core/errors.ts";
import { poll } from "../../core/graph/poll.ts";
import type { ResourceKind, States } from "../../core/graph/resource.ts";
import { type SubnetRef, subnetIds } from "../wanted-network.ts";
import { type ResourceContext, tagsOf } from "./context.ts";
import {
  accessDifferences,
  listDifference,
  networkOf,
  subnetDifference,
  versionDifference,
} from "./control-plane-differences.ts";
import { removeCluster, removeMs } from "./control-plane-removal.ts";
import { current, describe, foundOf, stateOf } from "./control-plane-state.ts";
import { awaitsRole, type Change, makeNamed, update, type Waiting } from "./eks-calls.ts";
import { isOurs } from "./owner.ts";
import { iamTellsWithinMs, type RoleState, type RoleWish } from "./role.ts";
import type { SubnetKind } from "./subnet.ts";
import { type Tags, tagDifferences } from "./tags.ts";
import { tryUntil } from "./try-until.ts";
import { subnetsInZones, validZonesOf } from "./valid-zones.ts";

export interface ControlPlaneWish {
  readonly id: string;
  /** `1.34`. */
  readonly version: string;
  /** Brings one that runs to `version`; otherwise its version is what it is. */
  readonly isUpgrade: boolean;
  /** Id of the role's wish. */
  readonly role: string;
  readonly subnets: readonly SubnetRef[];
  /** Reached from the internet too; it always is from its own network. */
  readonly isPublic: boolean;
  /** Who may reach it from the internet; not empty. */
  readonly publicCidrs: readonly string[];
  readonly logTypes: readonly LogType[];
}

export interface ControlPlane {
  readonly name: string;
  readonly arn: string;
  /** Of EKS: ACTIVE, CREATING … */
  readonly status: string;
  readonly version: string;
  readonly roleArn: string;
  /** Undefined until it is made. */
  readonly endpoint?: string;
  /** PEM in base64. */
  readonly authorities?: string;
  readonly vpcId?: string;
  readonly subnetIds: readonly string[];
  /** Made by EKS, of the control plane and all nodes. */
  readonly securityGroupId?: string;
  readonly isPublic: boolean;
  readonly isPrivate: boolean;
  readonly publicCidrs: readonly string[];
  readonly logTypes: readonly LogType[];
  /** What EKS says is wrong with it, in a line; empty: nothing. */
  readonly issues: string;
  readonly tags: Tags;
}

export type ControlPlaneKind = ResourceKind<ControlPlaneWish, ControlPlane>;

const minuteMs = 60_000;
const createMs = 9 * minuteMs;
const longestMs = 45 * minuteMs;
/** So often in a row it is not there, before it is believed: what was just made may not be known everywhere. */
const mostAbsences = 10;

export interface ControlPlaneNeeds {
  readonly role: ResourceKind<RoleWish, RoleState>;
  readonly subnet: SubnetKind;
  /** Its changes are those of its version, which take longer. */
  readonly isUpgrade: boolean;
}

export function controlPlaneKind(context: ResourceContext, needs: ControlPlaneNeeds): ControlPlaneKind {
  const { aws, clusterName: name } = context;
  const updateMs = needs.isUpgrade ? 10 * minuteMs : 3 * minuteMs;

  return {
    name: "control-plane",
    title: "EKS control plane",
    needs: ["role", "subnet", "log-group", "kubernetes-security-group"],
    typicalMs: { create: createMs, update: updateMs, remove: removeMs },

    async list(signal) {
      const eks = await aws.eks();
      const cluster = await describe(eks, name, signal);
      return cluster && isOurs(cluster, name) ? [foundOf(cluster)] : [];
    },

    async create(wish, doing, signal) {
      const eks = await aws.eks();
      const roleArn = doing.states.of(needs.role, wish.role).arn;
      const all = subnetIds(wish.subnets, doing.states, needs);
      const make = (ids: readonly string[]) => beginMaking(eks, requestOf(context, wish, roleArn, ids), doing, signal);
      try {
        await make(all);
      } catch (error) {
        const zones = validZonesOf(error);
        if (!zones) throw error;
        const some = await subnetsInZones(await aws.ec2(), all, zones, signal);
        doing.report(`EKS has no room for it in some zones: made in ${some.zones.join(", ")}`);
        await make(some.subnetIds);
      }
      return untilActive(eks, name, { ...doing, typicalMs: createMs }, signal);
    },

    *differences(wish, state, states) {
      yield* versionDifference(wish, state);
      yield* accessDifferences(wish, state);
      yield* listDifference("logs of the control plane", state.logTypes, wish.logTypes);
      yield* tagDifferences(tagsOf(context, wish.id), state.tags);
      yield* subnetDifference(subnetIds(wish.subnets, states, needs), state);
    },

    async update(wish, state, doing, signal) {
      const eks = await aws.eks();
      await change(eks, wish, state, doing, subnetIds(wish.subnets, doing.states, needs), signal);
      const tags = tagsOf(context, wish.id);
      if (tagDifferences(tags, state.tags).length > 0) {
        await eks.tagResource({ resourceArn: state.arn, tags: { ...tags } }, signal);
      }
      return untilActive(eks, name, { ...doing, typicalMs: updateMs, isThere: true }, signal);
    },

    async settle(found, doing, signal) {
      const typicalMs = found.status === "making" ? createMs : updateMs;
      return untilActive(await aws.eks(), name, { ...doing, typicalMs, isThere: true }, signal);
    },

    async remove(_, doing, signal) {
      const eks = await aws.eks();
      await removeCluster(eks, name, doing, signal);
    },
  };

  /** What EKS takes one at a time. */
  async function change(
    eks: Eks,
    wish: ControlPlaneWish,
    state: ControlPlane,
    doing: Waiting & { readonly states: States },
    wantedSubnets: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    const what = { cluster: name, what: `the control plane of ${name}`, typicalMs: updateMs };
    const begin = (ask: Change["ask"], isSo: (now: ControlPlane) => boolean) =>
      update(eks, what, { ask, isDone: async () => isSo(await current(eks, state, signal)) }, doing, signal);
    const configure = (config: Omit<UpdateClusterConfigRequest, "name">, isSo: (now: ControlPlane) => boolean) =>
      begin((clientRequestToken) => eks.updateClusterConfig({ name, clientRequestToken, ...config }, signal), isSo);

    const { version, logTypes } = wish;
    if (wish.isUpgrade && state.version !== version) {
      doing.report(`from ${state.version} to ${version}`);
      await begin(
        (clientRequestToken) => eks.updateClusterVersion({ name, version, clientRequestToken }, signal),
        (now) => now.version === version,
      );
    }
    const hasAccess = (now: ControlPlane) => accessDifferences(wish, now).length === 0;
    if (!hasAccess(state)) await configure({ resourcesVpcConfig: accessOf(wish) }, hasAccess);
    const hasSubnets = (now: ControlPlane) => subnetDifference(wantedSubnets, now).length === 0;
    if (!hasSubnets(state)) await configure({ resourcesVpcConfig: { subnetIds: [...wantedSubnets] } }, hasSubnets);
    const hasLogs = (now: ControlPlane) => listDifference("", now.logTypes, logTypes).length === 0;
    if (!hasLogs(state)) await configure({ logging: loggingOf(logTypes) }, hasLogs);
  }
}

function beginMaking(eks: Eks, request: CreateClusterRequest, { clock, report }: Waiting, signal: AbortSignal) {
  const limits = { clock, report, limitMs: iamTellsWithinMs, isWorthAnother: awaitsRole };
  const taken = `there is an EKS cluster ${request.name} that Cortex did not make`;
  return tryUntil(limits, signal, () =>
    makeNamed(() => eks.createCluster(request, signal), taken, "choose another cluster_name, or remove that one"),
  );
}

function requestOf(
  context: ResourceContext,
  wish: ControlPlaneWish,
  roleArn: string,
  ids: readonly string[],
): CreateClusterRequest {
  return {
    name: context.clusterName,
    version: wish.version,
    roleArn,
    resourcesVpcConfig: { subnetIds: [...ids], ...accessOf(wish) },
    accessConfig: { authenticationMode: "API", bootstrapClusterCreatorAdminPermissions: true },
    // They come as add-ons, which EKS looks after.
    bootstrapSelfManagedAddons: false,
    logging: loggingOf(wish.logTypes),
    tags: { ...tagsOf(context, wish.id) },
  };
}

function accessOf({ isPublic, publicCidrs }: ControlPlaneWish) {
  return {
    endpointPublicAccess: isPublic,
    endpointPrivateAccess: true,
    ...(isPublic && { publicAccessCidrs: publicCidrs.map(networkOf) }),
  };
}

const allLogTypes: readonly LogType[] = ["api", "audit", "authenticator", "controllerManager", "scheduler"];

function loggingOf(types: readonly LogType[]): NonNullable<CreateClusterRequest["logging"]> {
  const others = allLogTypes.filter((type) => !types.includes(type));
  return {
    clusterLogging: [
      ...(types.length > 0 ? [{ types: [...types], enabled: true }] : []),
      ...(others.length > 0 ? [{ types: others, enabled: false }] : []),
    ],
  };
}

/** @throws with EKS's own words when it fails, or is removed meanwhile */
async function untilActive(
  eks: Eks,
  name: string,
  { clock, report, typicalMs, isThere }: Waiting & { readonly typicalMs: number; readonly isThere?: boolean },
  signal: AbortSignal,
): Promise<ControlPlane> {
  let absences = isThere ? mostAbsences - 1 : 0;
  const look = async (stop: AbortSignal): Promise<ControlPlane | undefined> => {
    const cluster = await describe(eks, name, stop);
    if (!cluster) {
      absences += 1;
      if (absences >= mostAbsences) throw gone(name);
      return undefined;
    }
    const state = stateOf(cluster);
    if (state.status === "ACTIVE") return state;
    if (state.status === "FAILED") throw failed(state);
    if (state.status === "DELETING") throw gone(name);
    if (state.issues) report(state.issues);
    return undefined;
  };
  const wait = { clock, until: `the control plane of ${name} is ready`, typicalMs, timeoutMs: longestMs };
  return poll(look, wait, signal);
}

function failed({ name, issues }: ControlPlane): CortexError {
  return new CortexError("FAILED", `EKS could not make the control plane of ${name}: ${issues || "it says no more"}`, {
    hint: "put right what EKS names and run the same command again: the failed one is removed and made anew",
  });
}

function gone(name: string): CortexError {
  return new CortexError("CONFLICT", `the control plane of ${name} is being removed by somebody else`, {
    hint: "run the same command again when it is gone",
  });
}
