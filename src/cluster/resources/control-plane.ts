import type { CreateClusterRequest, Cluster as Described, LogType } from "@aws-sdk/client-eks";
import type { Eks } from "../../aws/services/eks.ts";
import { CortexError } from "../../core/errors.ts";
import { poll } from "../../core/graph/poll.ts";
import type { Difference, Found, ResourceKind, States } from "../../core/graph/resource.ts";
import { compareVersions } from "../versions.ts";
import { type SubnetRef, subnetIds } from "../wanted-network.ts";
import { clusterTag, type ResourceContext, tagsOf } from "./context.ts";
import { awaitsRole, isInUse, issuesText, makeNamed, orAbsent, update, type Waiting } from "./eks-calls.ts";
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
const removeMs = 2.5 * minuteMs;
const longestMs = 45 * minuteMs;
/** So often in a row it is not there, before it is believed: what was just made may not be known everywhere. */
const mostAbsences = 10;
const everybody = "0.0.0.0/0";

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
      return cluster?.tags?.[clusterTag] === name ? [foundOf(cluster)] : [];
    },

    async create(wish, doing, signal) {
      const eks = await aws.eks();
      const roleArn = doing.states.of(needs.role, wish.role).arn;
      const all = subnetIds(wish.subnets, doing.states, needs);
      const make = (ids: readonly string[]) => begin(eks, requestOf(context, wish, roleArn, ids), doing, signal);
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

    differences: (wish, state, states) => [
      ...versionDifference(wish, state),
      ...accessDifferences(wish, state),
      ...subnetDifference(subnetIds(wish.subnets, states, needs), state),
      ...listDifference("logs of the control plane", state.logTypes, wish.logTypes),
      ...tagDifferences(tagsOf(context, wish.id), state.tags),
    ],

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
    if (wish.isUpgrade && state.version !== wish.version) {
      doing.report(`from ${state.version} to ${wish.version}`);
      const version = async () => (await eks.updateClusterVersion({ name, version: wish.version }, signal)).update;
      await update(eks, what, version, doing, signal);
    }
    const configure = (config: Omit<Parameters<Eks["updateClusterConfig"]>[0], "name">) =>
      update(eks, what, async () => (await eks.updateClusterConfig({ name, ...config }, signal)).update, doing, signal);
    if (accessDifferences(wish, state).length > 0) await configure({ resourcesVpcConfig: accessOf(wish) });
    if (subnetDifference(wantedSubnets, state).length > 0) {
      await configure({ resourcesVpcConfig: { subnetIds: [...wantedSubnets] } });
    }
    if (listDifference("", state.logTypes, wish.logTypes).length > 0) {
      await configure({ logging: loggingOf(wish.logTypes) });
    }
  }
}

export async function describe(eks: Eks, name: string, signal: AbortSignal): Promise<Described | undefined> {
  return (await orAbsent(eks.describeCluster({ name }, signal)))?.cluster;
}

function begin(eks: Eks, request: CreateClusterRequest, { clock, report }: Waiting, signal: AbortSignal) {
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

/** With node groups that others made in it: it is not removed while there is any. */
async function removeCluster(eks: Eks, name: string, doing: Waiting, signal: AbortSignal): Promise<void> {
  const { clock, report } = doing;
  const isBusy = (error: unknown) => isInUse(error) && "waiting until EKS is done with other changes of it";
  await tryUntil({ clock, report, limitMs: longestMs, isWorthAnother: isBusy }, signal, async () => {
    await removeStrangers(eks, name, signal);
    await orAbsent(eks.deleteCluster({ name }, signal));
  });
  await poll(
    async (stop) => {
      const cluster = await describe(eks, name, stop);
      if (cluster?.status === "FAILED") throw cannotRemove(stateOf(cluster));
      return cluster === undefined ? true : undefined;
    },
    { clock, until: `the control plane of ${name} is gone`, typicalMs: removeMs, timeoutMs: longestMs },
    signal,
  );
}

async function removeStrangers(eks: Eks, clusterName: string, signal: AbortSignal): Promise<void> {
  const groups = (await orAbsent(eks.listNodegroups({ clusterName }, signal)))?.nodegroups ?? [];
  await Promise.all(
    groups.map(async (nodegroupName) => {
      const group = await orAbsent(eks.describeNodegroup({ clusterName, nodegroupName }, signal));
      if (group?.nodegroup?.status === "DELETING") return;
      await orAbsent(eks.deleteNodegroup({ clusterName, nodegroupName }, signal));
    }),
  );
}

function cannotRemove({ name, issues }: ControlPlane): CortexError {
  return new CortexError(
    "FAILED",
    `EKS could not remove the control plane of ${name}: ${issues || "it says no more"}`,
    {
      hint: "put right what EKS names and run the same command again",
    },
  );
}

function foundOf(cluster: Described): Found<ControlPlane> {
  const state = stateOf(cluster);
  const status = statuses[state.status] ?? "ready";
  return {
    id: "control-plane",
    label: state.name,
    state,
    status,
    ...(status === "failed" && { cause: state.issues || "EKS says no more" }),
    ...(cluster.createdAt && { createdAt: cluster.createdAt.getTime() }),
    uses: [...state.subnetIds, state.roleArn.replace(/^.*\//, "")],
  };
}

const statuses: Readonly<Record<string, Found<unknown>["status"]>> = {
  ACTIVE: "ready",
  CREATING: "making",
  PENDING: "making",
  UPDATING: "changing",
  DELETING: "removing",
  FAILED: "failed",
};

/** Pure. */
export function stateOf(cluster: Described): ControlPlane {
  const { resourcesVpcConfig: network = {}, endpoint, certificateAuthority } = cluster;
  const enabled = (cluster.logging?.clusterLogging ?? [])
    .filter((one) => one.enabled)
    .flatMap(({ types }) => types ?? []);
  return {
    name: cluster.name ?? "",
    arn: cluster.arn ?? "",
    status: cluster.status ?? "",
    version: cluster.version ?? "",
    roleArn: cluster.roleArn ?? "",
    ...(endpoint && { endpoint }),
    ...(certificateAuthority?.data && { authorities: certificateAuthority.data }),
    ...(network.vpcId && { vpcId: network.vpcId }),
    subnetIds: network.subnetIds ?? [],
    ...(network.clusterSecurityGroupId && { securityGroupId: network.clusterSecurityGroupId }),
    isPublic: network.endpointPublicAccess ?? true,
    isPrivate: network.endpointPrivateAccess ?? false,
    publicCidrs: network.publicAccessCidrs ?? [],
    logTypes: enabled,
    issues: issuesText(cluster.health?.issues),
    tags: cluster.tags ?? {},
  };
}

function versionDifference(wish: ControlPlaneWish, state: ControlPlane): readonly Difference[] {
  if (wish.version === state.version) return [];
  const difference = { field: "kubernetes_version", from: state.version, to: wish.version };
  if (wish.isUpgrade) return [difference];
  const isBack = compareVersions(wish.version, state.version) < 0;
  const hint = isBack
    ? `write ${state.version}: EKS takes no control plane back to an older version`
    : "`cortex cluster upgrade` brings a cluster that runs to another version";
  return [{ ...difference, isFixed: { hint } }];
}

function accessDifferences(wish: ControlPlaneWish, state: ControlPlane): readonly Difference[] {
  const scheme = (isPublic: boolean) => (isPublic ? "internet-facing" : "internal");
  const isSame = wish.isPublic === state.isPublic;
  const cidrs = wish.publicCidrs.map(networkOf);
  return [
    ...(isSame ? [] : [schemeDifference(scheme(state.isPublic), scheme(wish.isPublic))]),
    ...(state.isPrivate ? [] : [{ field: "access from its own network", from: "no", to: "yes" }]),
    ...(wish.isPublic && isSame
      ? listDifference(
          "operator_load_balancer_cidr_white_list",
          state.publicCidrs.filter(isNarrow).map(networkOf),
          cidrs.filter(isNarrow),
        )
      : []),
  ];
}

function schemeDifference(from: string, to: string): Difference {
  return { field: "operator_load_balancer_scheme", from, to };
}

/** EKS names all addresses of IPv6 besides those of IPv4. */
function isNarrow(cidr: string): boolean {
  return cidr !== everybody && cidr !== "::/0";
}

function subnetDifference(wanted: readonly string[], { subnetIds: has }: ControlPlane): readonly Difference[] {
  // Fewer may be in use: EKS had no room in the zones of the others.
  if (has.every((id) => wanted.includes(id))) return [];
  return [{ field: "subnets", from: has.join(", "), to: wanted.join(", ") }];
}

function listDifference(field: string, from: readonly string[], to: readonly string[]): readonly Difference[] {
  const isSame = from.length === to.length && to.every((one) => from.includes(one));
  return isSame ? [] : [{ field, from: from.join(", ") || "all", to: to.join(", ") || "all" }];
}

/** @returns the range that `cidr` stands for: `10.1.2.3/8` is `10.0.0.0/8` */
export function networkOf(cidr: string): string {
  const [address = "", length = "32"] = cidr.split("/");
  const bits = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(length));
  const first = Math.floor(bits / size) * size;
  const parts = [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256);
  return `${parts.join(".")}/${length}`;
}
