import type { UpdateNodegroupConfigRequest } from "@aws-sdk/client-eks";
import type { Difference } from "../../core/graph/resource.ts";
import type { ManagedGroup } from "../node-groups.ts";
import { diskDifferences, type LaunchTemplate } from "./launch-template.ts";
import type { NodeGroup } from "./node-group.ts";

const hint = "EKS never changes it of a group: add one under another name, and remove this one when nothing uses it";

/** Pure. Without those of what it hangs on, and of tags. @param version undefined: it stays as it is */
export function nodeGroupDifferences(group: ManagedGroup, state: NodeGroup, version?: string): readonly Difference[] {
  return [
    ...versionDifference(version, state),
    ...fixedDifferences(group, state),
    ...sizeDifferences(group, state),
    ...missingOf("labels", group.labels, state.labels),
    ...missingOf("taints", taintTexts(group.taints), taintTexts(state.taints)),
  ];
}

/** @returns what EKS is asked to change; undefined when there is nothing */
export function scalingChange(
  group: ManagedGroup,
  state: NodeGroup,
): Omit<UpdateNodegroupConfigRequest, "clusterName" | "nodegroupName"> | undefined {
  const isResized = sizeDifferences(group, state).length > 0;
  const labels = missingOf("labels", group.labels, state.labels).length > 0;
  const taints = missingOf("taints", taintTexts(group.taints), taintTexts(state.taints)).length > 0;
  if (!isResized && !labels && !taints) return undefined;
  return {
    ...(isResized && { scalingConfig: scalingOf(group, state.desired) }),
    ...(labels && { labels: { addOrUpdateLabels: { ...group.labels } } }),
    ...(taints && {
      taints: { addOrUpdateTaints: group.taints.map((taint) => ({ ...taint, effect: "NO_SCHEDULE" as const })) },
    }),
  };
}

/** How many there are now is the autoscaler's to say, within the limits. */
function scalingOf({ min, max }: ManagedGroup, desired: number) {
  const isWithin = desired >= min && desired <= max;
  return { minSize: min, maxSize: max, ...(!isWithin && { desiredSize: Math.min(max, Math.max(min, desired)) }) };
}

function versionDifference(version: string | undefined, state: NodeGroup): readonly Difference[] {
  if (version === undefined || version === state.version) return [];
  return [{ field: "kubernetes_version", from: state.version, to: version }];
}

function fixedDifferences(group: ManagedGroup, state: NodeGroup): readonly Difference[] {
  // The one for add-ons is ours: whatever it runs on is good enough.
  if (group.isSystem) return [];
  const field = (name: string) => `node_groups.${group.group}.${name}`;
  const fixed = (name: string, from: string, to: string): Difference => ({
    field: field(name),
    from,
    to,
    isFixed: { hint },
  });
  const isSpot = state.isSpot === group.isSpot ? [] : [fixed("spot", String(state.isSpot), String(group.isSpot))];
  const has = state.instanceTypes;
  const isSameTypes =
    has.length === group.instanceTypes.length && has.every((type) => group.instanceTypes.includes(type));
  const typesName = has[0] === group.instanceTypes[0] ? "spot_config.instance_distribution" : "instance_type";
  const types = isSameTypes ? [] : [fixed(typesName, has.join(", "), group.instanceTypes.join(", "))];
  return [...isSpot, ...types];
}

/** Pure. @param wanted ids of the subnets that its nodes may be in */
export function subnetDifferences(
  { isSystem }: ManagedGroup,
  { subnetIds }: NodeGroup,
  wanted: readonly string[],
): readonly Difference[] {
  const strays = isSystem ? [] : subnetIds.filter((id) => !wanted.includes(id));
  if (strays.length === 0) return [];
  return [{ field: "subnets", from: strays.join(", "), to: wanted.join(", "), isFixed: { hint } }];
}

/** Pure. @param template what its nodes should be made by */
export function diskChanges(
  group: ManagedGroup,
  { launchTemplate: used }: NodeGroup,
  template: LaunchTemplate,
): readonly Difference[] {
  const field = `node_groups.${group.group}.disk`;
  if (used?.templateId !== template.templateId) {
    return [goneTemplate(group, used?.templateId ?? "none", template.templateId)];
  }
  // Of a template that is going to be changed its new version is not known yet.
  const coming = diskDifferences({ group: group.group, disk: group.disk }, template.disk);
  if (coming.length > 0) return coming;
  if (used.version >= template.diskVersion) return [];
  return [{ field, from: "that of older nodes", to: `${group.disk.sizeGB} GB ${group.disk.type}` }];
}

/** Somebody removed the launch template: EKS gives a group no other, nor can it be made again with its id. */
function goneTemplate({ name }: ManagedGroup, from: string, to: string): Difference {
  const hint =
    "the launch template was removed: run the same command again, and another node group takes the place of this one";
  return { field: `launch template of node group ${name}`, from, to, isFixed: { hint } };
}

function sizeDifferences(group: ManagedGroup, state: NodeGroup): readonly Difference[] {
  const field = (name: string) => `node_groups.${group.name}.${name}`;
  return [
    ...(state.min === group.min ? [] : [{ field: field("min_instances"), from: `${state.min}`, to: `${group.min}` }]),
    ...(state.max === group.max ? [] : [{ field: field("max_instances"), from: `${state.max}`, to: `${group.max}` }]),
  ];
}

/** What others added stays. */
function missingOf(
  field: string,
  wanted: Readonly<Record<string, string>>,
  has: Readonly<Record<string, string>>,
): readonly Difference[] {
  return Object.entries(wanted)
    .filter(([key, value]) => has[key] !== value)
    .map(([key, value]) => ({ field: `${field}.${key}`, from: has[key] ?? "none", to: value }));
}

function taintTexts(taints: readonly { readonly key: string; readonly value: string }[]): Record<string, string> {
  return Object.fromEntries(taints.map(({ key, value }) => [key, value]));
}
