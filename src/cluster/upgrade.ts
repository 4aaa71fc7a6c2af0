import type { AddonVersionInfo } from "@aws-sdk/client-eks";
import type { Aws } from "../aws/aws.ts";
import { CortexError } from "../core/errors.ts";
import { type Found, type Wanted, want } from "../core/graph/resource.ts";
import { type AmiType, type ManagedGroup, nodeGroupLabel } from "./node-groups.ts";
import type { Addon } from "./resources/addon.ts";
import type { ControlPlane } from "./resources/control-plane.ts";
import type { EksKinds } from "./resources/eks-kinds.ts";
import type { NodeGroup } from "./resources/node-group.ts";
import { allItems } from "./resources/pages.ts";
import { readVersions } from "./version-support.ts";
import { compareVersions, minorOf } from "./versions.ts";

/** What is there of a cluster that is to be upgraded. */
export interface Upgradable {
  readonly controlPlane: Found<ControlPlane>;
  readonly addons: readonly Found<Addon>[];
  readonly nodeGroups: readonly Found<NodeGroup>[];
}

export interface Upgrade {
  /** `1.35`. */
  readonly version: string;
  /** It has outlived its standard support, and costs more. */
  readonly isExtended: boolean;
  /** By name of the add-on; those that stay as they are are not in it. */
  readonly addonVersions: ReadonlyMap<string, string>;
}

/** Nodes may be so many minor versions behind their control plane. */
const mostBehind = 3;

/**
 * Looks up what a cluster can be brought to. All that is left to do of an upgrade that was interrupted is done first.
 * @param asked `1.35`; undefined: the next version that EKS offers, or the one that it has
 * @throws NOT_SUPPORTED when EKS does not go there from here; CONFLICT when something of it is not in order
 */
export async function readUpgrade(
  aws: Aws,
  there: Upgradable,
  asked: string | undefined,
  signal: AbortSignal,
): Promise<Upgrade> {
  checkOrder(there);
  const eks = await aws.eks();
  const offered = await readVersions(aws, signal);
  const version = chooseVersion({
    controlPlane: there.controlPlane.state.version,
    nodes: there.nodeGroups.map(({ state }) => state.version),
    asked,
    offered: [...offered.keys()],
  });
  const versions = await Promise.all(
    there.addons.map(async ({ state: { name, version: now } }) => {
      const infos = await allItems(
        (nextToken) =>
          eks.describeAddonVersions(
            { addonName: name, kubernetesVersion: version, ...(nextToken && { nextToken }) },
            signal,
          ),
        ({ addons }) => addons?.flatMap(({ addonVersions }) => addonVersions ?? []),
        ({ nextToken }) => nextToken,
      );
      return [name, chooseAddonVersion(now, version, infos)] as const;
    }),
  );
  return {
    version,
    isExtended: offered.get(version)?.isExtended ?? false,
    addonVersions: new Map(
      versions.flatMap(([name, chosen]) => (chosen === undefined ? [] : [[name, chosen] as const])),
    ),
  };
}

export interface Choice {
  /** `1.34`. */
  readonly controlPlane: string;
  readonly nodes: readonly string[];
  readonly asked: string | undefined;
  /** In any order. */
  readonly offered: readonly string[];
}

/** EKS takes a control plane one minor version further at a time, and never back. Pure. @throws NOT_SUPPORTED */
export function chooseVersion({ controlPlane, nodes, asked, offered }: Choice): string {
  const now = minorOf(controlPlane);
  const oldest = Math.min(now, ...nodes.map(minorOf));
  const next = `1.${now + 1}`;
  if (asked === undefined) return oldest === now && offered.includes(next) ? next : controlPlane;
  const to = minorOf(asked);
  if (to === now) return controlPlane;
  if (to < now) {
    throw refused(`the control plane has ${controlPlane}, and EKS takes none back to ${asked}`, {
      hint: "make a new cluster of that version, and move the APIs there (`cortex cluster export`)",
    });
  }
  if (!offered.includes(asked)) {
    const known = offered.toSorted(compareVersions).join(", ");
    throw refused(`EKS does not offer Kubernetes ${asked}`, { hint: `it offers ${known}` });
  }
  if (to > now + 1) {
    throw refused(`the control plane has ${controlPlane}, and EKS takes it one minor version further at a time`, {
      hint: `first \`cortex cluster upgrade --version ${next}\`, then again`,
    });
  }
  if (to - oldest > mostBehind) {
    throw refused(`nodes of 1.${oldest} do not work with a control plane of ${asked}`, {
      hint: `first bring the nodes up to it: \`cortex cluster upgrade --version ${controlPlane}\``,
    });
  }
  return asked;
}

/**
 * Pure.
 * @returns the version that EKS takes by default for a Kubernetes version, or where that would be a step back the first that is
 * none; undefined when today's is as good, or is all there is
 */
export function chooseAddonVersion(
  now: string,
  kubernetes: string,
  infos: readonly Pick<AddonVersionInfo, "addonVersion" | "compatibilities">[],
): string | undefined {
  const compatible = infos.flatMap(({ addonVersion, compatibilities = [] }) => {
    const [found] = compatibilities.filter(({ clusterVersion }) => clusterVersion === kubernetes);
    return addonVersion !== undefined && found
      ? [{ version: addonVersion, isDefault: found.defaultVersion ?? false }]
      : [];
  });
  const newest = compatible.toSorted((one, other) => compareVersions(other.version, one.version));
  const best = newest.find(({ isDefault }) => isDefault) ?? newest[0];
  if (!best) return undefined;
  const isGood = newest.some(({ version }) => version === now) && compareVersions(now, best.version) >= 0;
  if (isGood) return undefined;
  if (compareVersions(best.version, now) >= 0) return best.version;
  const onward = newest.toReversed().find(({ version }) => compareVersions(version, now) >= 0);
  return (onward ?? best).version;
}

/**
 * The control plane first, then the add-ons, then the nodes, group by group as they are; everything else stays as it is. Pure.
 * @param kinds made for an upgrade
 */
export function wantedUpgrade(
  there: Upgradable,
  { version, addonVersions }: Pick<Upgrade, "version" | "addonVersions">,
  kinds: EksKinds,
): readonly Wanted[] {
  const { controlPlane, addons, nodeGroups } = there;
  const id = controlPlane.id;
  const addonIds = addons.map((addon) => addon.id);
  return [
    want({ kind: kinds.controlPlane, id, needs: [], wish: controlPlaneWish(controlPlane, version) }),
    ...addons.map(({ id: addonId, state }) => {
      const to = addonVersions.get(state.name);
      const wish = { id: addonId, isBeforeNodes: false, ...(to !== undefined && { version: to }) };
      return want({ kind: kinds.addon, id: addonId, needs: [id], wish });
    }),
    ...nodeGroups.map(({ id: groupId, state }) => {
      const wish = { id: groupId, group: groupOf(state), version };
      return want({ kind: kinds.nodeGroup, id: groupId, needs: [id, ...addonIds], wish });
    }),
  ];
}

function controlPlaneWish({ id, state }: Found<ControlPlane>, version: string) {
  return {
    id,
    version,
    isUpgrade: true,
    role: "",
    subnets: state.subnetIds.map((subnetId) => ({ subnetId })),
    isPublic: state.isPublic,
    publicCidrs: state.publicCidrs,
    logTypes: state.logTypes,
  };
}

/** As it is. */
function groupOf(state: NodeGroup): ManagedGroup {
  const { name, instanceTypes, isSpot, min, max, amiType, labels, taints } = state;
  return {
    name,
    group: labels[nodeGroupLabel] ?? name,
    instanceTypes,
    isSpot,
    isSystem: false,
    min,
    max,
    priority: 1,
    amiType: amiType as AmiType,
    labels,
    taints,
    infs: 0,
    disk: { sizeGB: 0, type: "gp3" },
  };
}

/** What failed, or is on its way out, would be made anew: that is another command's. @throws CONFLICT with all of it */
function checkOrder({ controlPlane, addons, nodeGroups }: Upgradable): void {
  const named = [
    { what: "the control plane", one: controlPlane },
    ...addons.map((one) => ({ what: `add-on ${one.label}`, one })),
    ...nodeGroups.map((one) => ({ what: `node group ${one.label}`, one })),
  ];
  const problems = named
    .filter(({ one: { status } }) => status === "failed" || status === "removing")
    .map(({ what, one: { status, cause } }) => ({
      message: status === "failed" ? `${what} failed: ${cause ?? "EKS says no more"}` : `${what} is being removed`,
    }));
  const [first] = problems;
  if (!first) return;
  const hint = "`cortex cluster configure` with the cluster's file puts it in order; then upgrade";
  if (problems.length === 1) throw new CortexError("CONFLICT", first.message, { hint });
  throw new CortexError("CONFLICT", `${problems.length} parts of the cluster are not in order`, { hint, problems });
}

function refused(message: string, { hint }: { readonly hint: string }): CortexError {
  return new CortexError("NOT_SUPPORTED", message, { hint });
}
