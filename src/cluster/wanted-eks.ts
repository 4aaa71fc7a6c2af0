import { type Wanted, want } from "../core/graph/resource.ts";
import type { Cluster } from "../spec/parse-cluster.ts";
import type { Facts } from "./facts.ts";
import { hostGroup, type ManagedGroup, managedGroups } from "./node-groups.ts";
import { type AddonName, addonNames } from "./resources/addon.ts";
import { clusterTag } from "./resources/context.ts";
import type { ControlPlaneWish } from "./resources/control-plane.ts";
import type { EksKinds } from "./resources/eks-kinds.ts";
import { logGroupIds } from "./resources/log-group.ts";
import { namesOf } from "./resources/names.ts";
import { type PodPurpose, serviceAccounts } from "./resources/pod-identity.ts";
import type { RoleWish } from "./resources/role.ts";
import { clusterAutoscalerPolicy, logWriterPolicy } from "./resources/role-policies.ts";
import { policiesByPurpose, policyOfAws, type RolePurpose } from "./resources/role-purposes.ts";
import { type NetworkPlan, needsOf } from "./wanted-network.ts";

/** Of a cluster that is made; `cortex cluster upgrade` brings one that runs further. */
export const defaultKubernetesVersion = "1.35";

export interface EksWish {
  readonly cluster: Cluster;
  readonly facts: Facts;
  readonly kinds: EksKinds;
  readonly network: Omit<NetworkPlan, "wanted">;
  /** Those of the cluster, some of them under other names; default: as they are made first. */
  readonly groups?: readonly ManagedGroup[];
}

const controlPlaneId = "control-plane";
const nodesRole = "role/nodes";
/** Nodes get ready only with them, so they come first; there is nothing of them to wait for then. */
const addonsBeforeNodes: ReadonlySet<AddonName> = new Set(["vpc-cni", "kube-proxy", "eks-pod-identity-agent"]);
/** Whose rights an add-on uses, where it needs any. */
const rightsOfAddons: Readonly<Partial<Record<AddonName, PodPurpose>>> = {
  "vpc-cni": "vpc-cni",
  "aws-ebs-csi-driver": "ebs-csi",
};

/** What runs in the network: the control plane, nodes and their rights, add-ons that EKS looks after. Pure. */
export function wantedEks(wish: EksWish): readonly Wanted[] {
  const { groups = managedGroups(wish.cluster, wish.facts) } = wish;
  return [
    ...wantedRoles(wish),
    wantedControlPlane(wish),
    ...wantedPodIdentities(wish),
    ...groups.map((group) => wantedLaunchTemplate(group, wish)),
    ...groups.map((group) => wantedNodeGroup(group, wish)),
    ...wantedAddons(wish, hostGroup(groups)),
  ];
}

function wantedRoles({ cluster, facts, kinds }: EksWish): readonly Wanted[] {
  const { partition, accountId } = facts.identity;
  const { region } = facts;
  const ofAws = (purpose: RolePurpose) => policiesByPurpose[purpose].map((name) => policyOfAws(partition, name));
  const place = { partition, region, accountId, clusterName: cluster.cluster_name };
  const { containers } = namesOf(place).logGroups;
  const roles: Readonly<Record<RolePurpose, Omit<RoleWish, "id" | "boundary">>> = {
    "control-plane": { user: "eks", managedPolicies: ofAws("control-plane") },
    nodes: {
      user: "ec2",
      managedPolicies: [...ofAws("nodes"), ...cluster.iam_policy_arns],
      policiesField: "iam_policy_arns",
    },
    "vpc-cni": { user: "pods", managedPolicies: ofAws("vpc-cni") },
    "ebs-csi": { user: "pods", managedPolicies: ofAws("ebs-csi") },
    "cluster-autoscaler": { user: "pods", managedPolicies: [], ownPolicy: clusterAutoscalerPolicy(place) },
    "fluent-bit": { user: "pods", managedPolicies: [], ownPolicy: logWriterPolicy(place, containers) },
  };
  const boundary = cluster.iam_permissions_boundary_arn;
  return Object.entries(roles).map(([purpose, role]) => {
    const id = `role/${purpose}`;
    return want({ kind: kinds.role, id, needs: [], wish: { ...role, id, ...(boundary && { boundary }) } });
  });
}

function wantedControlPlane({ cluster, facts, kinds, network }: EksWish): Wanted {
  const role = "role/control-plane";
  const subnets = network.controlPlaneSubnets;
  const version = cluster.kubernetes_version ?? facts.kubernetesVersion;
  const wish: ControlPlaneWish = {
    id: controlPlaneId,
    version,
    isUpgrade: false,
    role,
    subnets,
    isPublic: cluster.operator_load_balancer_scheme === "internet-facing",
    publicCidrs: cluster.operator_load_balancer_cidr_white_list ?? ["0.0.0.0/0"],
    // Without those of the audit, which are many and are paid for by size.
    logTypes: ["api", "authenticator", "controllerManager", "scheduler"],
  };
  return want({
    kind: kinds.controlPlane,
    id: controlPlaneId,
    // The log group comes first, or EKS makes one that keeps everything for ever.
    needs: [role, logGroupIds.controlPlane, ...needsOf(subnets)],
    wish,
    detail: `Kubernetes ${version}`,
  });
}

function wantedPodIdentities({ kinds }: EksWish): readonly Wanted[] {
  return Object.entries(serviceAccounts).map(([purpose, account]) => {
    const id = podIdentityId(purpose as PodPurpose);
    const role = `role/${purpose}`;
    const needs = [controlPlaneId, role];
    return want({ kind: kinds.podIdentity, id, needs, wish: { id, role }, detail: account });
  });
}

function podIdentityId(purpose: PodPurpose): string {
  return `pod-identity/${purpose}`;
}

function launchTemplateId({ name }: ManagedGroup): string {
  return `launch-template/${name}`;
}

function nodeGroupId({ name }: ManagedGroup): string {
  return `node-group/${name}`;
}

function wantedLaunchTemplate(group: ManagedGroup, { kinds }: EksWish): Wanted {
  const id = launchTemplateId(group);
  const wish = { id, group: group.group, disk: group.disk };
  const detail = `${group.disk.sizeGB} GB ${group.disk.type}`;
  return want({ kind: kinds.launchTemplate, id, needs: [], wish, detail, ...fieldOf(group) });
}

function wantedNodeGroup(group: ManagedGroup, { kinds, network }: EksWish): Wanted {
  const launchTemplate = launchTemplateId(group);
  const subnets = network.nodeSubnets;
  const addons = [...addonsBeforeNodes].map(addonId);
  return want({
    kind: kinds.nodeGroup,
    id: nodeGroupId(group),
    needs: [controlPlaneId, nodesRole, launchTemplate, ...needsOf(subnets), ...network.nodesNeed, ...addons],
    wish: { id: nodeGroupId(group), group, role: nodesRole, launchTemplate, subnets },
    detail: describeGroup(group),
    ...fieldOf(group),
  });
}

function fieldOf({ group, isSystem }: ManagedGroup): Pick<Wanted, "field"> {
  return isSystem ? {} : { field: `node_groups.${group}` };
}

/** @returns `2 to 5 m5.large, spot` */
function describeGroup({ min, max, instanceTypes, isSpot, isSystem, replaces }: ManagedGroup): string {
  const [type = "", ...others] = instanceTypes;
  const size = min === max ? String(min) : `${min} to ${max}`;
  const types = others.length === 0 ? type : `${type} or ${others.length} other type${others.length === 1 ? "" : "s"}`;
  const place = replaces ? `, in the place of ${replaces.name}: ${replaces.cause}` : "";
  return `${size} ${types}${isSpot ? ", spot" : ""}${isSystem ? ", for add-ons" : ""}${place}`;
}

function addonId(name: AddonName): string {
  return `addon/${name}`;
}

/** Those that run as pods wait for the first group where they can. */
function wantedAddons({ cluster, kinds }: EksWish, host: ManagedGroup | undefined): readonly Wanted[] {
  return addonNames.map((name) => {
    const isBeforeNodes = addonsBeforeNodes.has(name);
    const rights = rightsOfAddons[name];
    const needs = [
      controlPlaneId,
      ...(rights ? [podIdentityId(rights)] : []),
      ...(isBeforeNodes || !host ? [] : [nodeGroupId(host)]),
    ];
    const configuration = name === "aws-ebs-csi-driver" && markingVolumes(cluster);
    const wish = { id: addonId(name), isBeforeNodes, ...(configuration && { configuration }) };
    return want({ kind: kinds.addon, id: addonId(name), needs, wish });
  });
}

/** Disks of persistent volumes, of whatever storage class, say whose they are: that they bear the cluster's name is not enough. */
function markingVolumes({ cluster_name: name }: Cluster) {
  return { controller: { extraVolumeTags: { [clusterTag]: name } } };
}
