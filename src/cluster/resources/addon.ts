import type { Addon as Described } from "@aws-sdk/client-eks";
import type { Eks } from "../../aws/services/eks.ts";
import { CortexError } from "../../core/errors.ts";
import { poll } from "../../core/graph/poll.ts";
import type { Found, ResourceKind } from "../../core/graph/resource.ts";
import { type Configuration, configurationOf, hasAll, merged } from "./addon-settings.ts";
import { clusterTag, type ResourceContext, tagsOf } from "./context.ts";
import {
  awaitsRole,
  type Change,
  isInUse,
  issuesText,
  makeNamed,
  orAbsent,
  update,
  type Waiting,
} from "./eks-calls.ts";
import type { ReadControlPlane } from "./owner.ts";
import { allItems } from "./pages.ts";
import { iamTellsWithinMs } from "./role.ts";
import { type Tags, tagDifferences } from "./tags.ts";
import { tryUntil } from "./try-until.ts";

/** Add-ons that every cluster has, as EKS calls them. */
export const addonNames = [
  "vpc-cni",
  "kube-proxy",
  "eks-pod-identity-agent",
  "coredns",
  "aws-ebs-csi-driver",
  "metrics-server",
] as const;
export type AddonName = (typeof addonNames)[number];

export interface AddonWish {
  readonly id: string;
  /** `v1.20.4-eksbuild.1`. Undefined: what EKS takes for the control plane's version, and then whatever is there. */
  readonly version?: string;
  /** It runs only where there is a node, so there is nothing to wait for before the first one. */
  readonly isBeforeNodes: boolean;
  /** What it is set to, besides what others set in it. */
  readonly configuration?: Configuration;
}

export interface Addon {
  readonly name: string;
  readonly arn: string;
  readonly version: string;
  /** Of EKS: ACTIVE, DEGRADED … */
  readonly status: string;
  /** What EKS says is wrong with it, in a line; empty: nothing. */
  readonly issues: string;
  /** Undefined: it is written in a way that is not ours to read and write. */
  readonly configuration: Configuration | undefined;
  readonly tags: Tags;
}

export type AddonKind = ResourceKind<AddonWish, Addon>;

const createMs = 30_000;
const updateMs = 60_000;
const longestMs = 15 * 60_000;

/** @param named whose cluster it is: in one of somebody else's even the add-ons that every cluster has are theirs */
export function addonKind(context: ResourceContext, named: ReadControlPlane): AddonKind {
  const { aws, clusterName } = context;
  return {
    name: "addon",
    title: "EKS add-on",
    needs: ["control-plane", "pod-identity"],
    typicalMs: { create: createMs, update: updateMs, remove: 10_000 },

    async list(signal) {
      if ((await named(signal)).owner !== "ours") return [];
      const eks = await aws.eks();
      const names = await allAddons(eks, clusterName, signal);
      const found = await Promise.all(names.map((name) => describe(eks, clusterName, name, signal)));
      return found.flatMap((addon) => (addon && isOurs(addon, clusterName) ? [foundOf(addon)] : []));
    },

    async create(wish, doing, signal) {
      const eks = await aws.eks();
      const addonName = nameOf(wish.id);
      const taken = `there is an add-on ${addonName} in ${clusterName} already`;
      const limits = { ...doing, limitMs: iamTellsWithinMs, isWorthAnother: awaitsRole };
      const made = await tryUntil(limits, signal, () =>
        makeNamed(
          () =>
            eks.createAddon(
              {
                clusterName,
                addonName,
                resolveConflicts: "OVERWRITE",
                tags: { ...tagsOf(context, wish.id) },
                ...(wish.version !== undefined && { addonVersion: wish.version }),
                ...(wish.configuration && { configurationValues: JSON.stringify(wish.configuration) }),
              },
              signal,
            ),
          taken,
          "run the same command again",
        ),
      );
      if (wish.isBeforeNodes && made.addon) return stateOf(made.addon);
      return untilActive(eks, addonName, { ...doing, typicalMs: createMs, isBegunEnough: wish.isBeforeNodes }, signal);
    },

    differences: (wish, state) => [
      ...(wish.version === undefined || wish.version === state.version
        ? []
        : [{ field: "version", from: state.version, to: wish.version }]),
      ...(state.status === "UPDATE_FAILED"
        ? [{ field: "last change", from: `failed: ${state.issues || "EKS says no more"}`, to: "done" }]
        : []),
      ...(hasAll(state.configuration, wish.configuration) ? [] : [{ field: "settings", from: "others", to: "ours" }]),
      ...tagDifferences(tagsOf(context, wish.id), state.tags),
    ],

    async update(wish, state, doing, signal) {
      const eks = await aws.eks();
      const addonName = state.name;
      const addonVersion = wish.version ?? state.version;
      const isSet = hasAll(state.configuration, wish.configuration);
      if (addonVersion !== state.version || state.status === "UPDATE_FAILED" || !isSet) {
        const of = { cluster: clusterName, addon: addonName, what: `add-on ${addonName}`, typicalMs: updateMs };
        // What the user set in it stays.
        const settings = merged(state.configuration ?? {}, wish.configuration ?? {});
        const input = {
          ...{ clusterName, addonName, addonVersion, resolveConflicts: "PRESERVE" as const },
          ...(!isSet && { configurationValues: JSON.stringify(settings) }),
        };
        const change: Change = {
          ask: (clientRequestToken) => eks.updateAddon({ ...input, clientRequestToken }, signal),
          isDone: async () => {
            const now = await describe(eks, clusterName, addonName, signal);
            const isSetNow = hasAll(configurationOf(now?.configurationValues), wish.configuration);
            return now?.addonVersion === addonVersion && now.status !== "UPDATE_FAILED" && isSetNow;
          },
        };
        await update(eks, of, change, doing, signal);
      }
      const tags = tagsOf(context, wish.id);
      if (tagDifferences(tags, state.tags).length > 0) {
        await eks.tagResource({ resourceArn: state.arn, tags: { ...tags } }, signal);
      }
      return untilActive(eks, addonName, { ...doing, typicalMs: updateMs, isBegunEnough: wish.isBeforeNodes }, signal);
    },

    async settle(found, doing, signal) {
      const isBegunEnough = beforeNodes.has(found.state.name);
      return untilActive(await aws.eks(), found.state.name, { ...doing, typicalMs: createMs, isBegunEnough }, signal);
    },

    async remove({ name: addonName }, { clock, report }, signal) {
      const eks = await aws.eks();
      const isBusy = (error: unknown) => isInUse(error) && "waiting until EKS is done with another change of it";
      // What it brought goes with the cluster: nodes that are being emptied still need it.
      await tryUntil({ clock, report, limitMs: longestMs, isWorthAnother: isBusy }, signal, async () => {
        const addon = await describe(eks, clusterName, addonName, signal);
        if (!addon || addon.status === "DELETING") return;
        await orAbsent(eks.deleteAddon({ clusterName, addonName, preserve: true }, signal));
      });
      const isGone = async (stop: AbortSignal) =>
        (await describe(eks, clusterName, addonName, stop)) === undefined ? true : undefined;
      const wait = { clock, until: `add-on ${addonName} is gone`, typicalMs: 5_000, timeoutMs: longestMs };
      await poll(isGone, wait, signal);
    },
  };

  /** @throws with EKS's own words when it cannot become active */
  async function untilActive(
    eks: Eks,
    name: string,
    wait: Waiting & { readonly typicalMs: number; readonly isBegunEnough: boolean },
    signal: AbortSignal,
  ): Promise<Addon> {
    const { clock, report, typicalMs, isBegunEnough } = wait;
    let issues = "";
    const look = async (stop: AbortSignal): Promise<Addon | undefined> => {
      const addon = await describe(eks, clusterName, name, stop);
      if (!addon) return undefined;
      const state = stateOf(addon);
      const judged = judge(state, addon.health?.issues?.map(({ code }) => code ?? "") ?? [], isBegunEnough);
      if (judged === "ready") return state;
      if (judged === "failed") throw failed(state);
      issues = state.issues;
      if (issues) report(issues);
      return undefined;
    };
    try {
      return await poll(look, { clock, until: `add-on ${name} is active`, typicalMs, timeoutMs: longestMs }, signal);
    } catch (error) {
      if (!(error instanceof CortexError) || error.code !== "TIMED_OUT" || !issues) throw error;
      throw new CortexError("TIMED_OUT", `${error.message}: ${issues}`, {
        hint: "`kubectl get pods -n kube-system` shows its pods; then run the same command again",
        cause: error,
      });
    }
  }
}

const beforeNodes: ReadonlySet<string> = new Set(["vpc-cni", "kube-proxy", "eks-pod-identity-agent"]);

/** Goes over by itself: nodes are still coming, or its pods are starting. */
const passing: ReadonlySet<string> = new Set([
  "InsufficientNumberOfReplicas",
  "ClusterUnreachable",
  "InternalFailure",
  "K8sResourceNotFound",
]);

/** Pure. @param issues codes of what EKS says is wrong @param isBegunEnough there may be no node for it yet */
export function judge(
  { status }: Pick<Addon, "status">,
  issues: readonly string[],
  isBegunEnough: boolean,
): "ready" | "waiting" | "failed" {
  if (status === "ACTIVE") return "ready";
  if (status.endsWith("_FAILED") || status === "DELETING") return "failed";
  if (!issues.every((code) => passing.has(code))) return "failed";
  return isBegunEnough && status !== "UPDATING" ? "ready" : "waiting";
}

function failed({ name, issues, status }: Addon): CortexError {
  return new CortexError("FAILED", `EKS cannot bring add-on ${name}: ${issues || status}`, {
    hint: "put right what EKS names and run the same command again",
  });
}

function describe(eks: Eks, clusterName: string, addonName: string, signal: AbortSignal) {
  return orAbsent(eks.describeAddon({ clusterName, addonName }, signal)).then((found) => found?.addon);
}

async function allAddons(eks: Eks, clusterName: string, signal: AbortSignal): Promise<readonly string[]> {
  const list = (nextToken: string | undefined) =>
    orAbsent(eks.listAddons({ clusterName, ...(nextToken && { nextToken }) }, signal));
  return allItems(
    list,
    (page) => page?.addons,
    (page) => page?.nextToken,
  );
}

/** Those of the names above are, in a cluster of ours: there is one of each in a cluster. */
function isOurs({ addonName = "", tags }: Described, clusterName: string): boolean {
  return addonNames.some((name) => name === addonName) || tags?.[clusterTag] === clusterName;
}

function foundOf(addon: Described): Found<Addon> {
  const state = stateOf(addon);
  const status = statuses[state.status] ?? "ready";
  return {
    id: `addon/${state.name}`,
    label: state.name,
    state,
    status,
    ...(status === "failed" && { cause: state.issues || "EKS says no more" }),
    ...(addon.createdAt && { createdAt: addon.createdAt.getTime() }),
  };
}

/** One whose change failed still runs as before. */
const statuses: Readonly<Record<string, Found<unknown>["status"]>> = {
  CREATING: "making",
  UPDATING: "changing",
  DELETING: "removing",
  CREATE_FAILED: "failed",
  DELETE_FAILED: "failed",
};

function stateOf(addon: Described): Addon {
  return {
    name: addon.addonName ?? "",
    arn: addon.addonArn ?? "",
    version: addon.addonVersion ?? "",
    status: addon.status ?? "",
    issues: issuesText(addon.health?.issues),
    configuration: configurationOf(addon.configurationValues),
    tags: addon.tags ?? {},
  };
}

function nameOf(id: string): string {
  return id.slice("addon/".length);
}
