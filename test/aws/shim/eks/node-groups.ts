import type {
  CreateNodegroupCommandInput,
  Nodegroup,
  NodegroupIssueCode,
  Taint,
  UpdateNodegroupConfigCommandInput,
  UpdateNodegroupVersionCommandInput,
  UpdateParam,
} from "@aws-sdk/client-eks";
import {
  type AutoScalingGroup,
  createAutoScalingGroup,
  failLaunch,
  removeAutoScalingGroup,
  replaceInstances,
  scale,
} from "../auto-scaling.ts";
import { type LaunchTemplateData, readLaunchTemplate } from "../ec2/launch-templates.ts";
import { findSubnetProblem } from "../ec2/subnets.ts";
import { mustBeAssumable } from "../iam.ts";
import type { Handlers, Handling } from "../world.ts";
import { addNodeEntry, removeNodeEntry } from "./access.ts";
import {
  answer,
  arnOf,
  clusterOf,
  type EksCluster,
  inputOf,
  inUse,
  invalid,
  mustBeActive,
  type NodeGroupRecord,
  notFound,
  page,
  startUpdate,
} from "./state.ts";
import { minorOf, releaseVersion } from "./versions.ts";

const policies = ["arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"];

export const nodeGroupHandlers: Handlers = {
  CreateNodegroup: createGroup,
  DescribeNodegroup: (handling) => answer({ nodegroup: groupOf(handling).group }),
  ListNodegroups: (handling) => page(handling, "nodegroups", [...clusterNamed(handling).nodeGroups.keys()].sort()),
  UpdateNodegroupConfig: updateConfig,
  UpdateNodegroupVersion: updateVersion,
  DeleteNodegroup: deleteGroup,
};

async function createGroup(handling: Handling) {
  const { world, request } = handling;
  const input = inputOf<CreateNodegroupCommandInput>(handling);
  const record = clusterNamed(handling);
  const name = input.nodegroupName ?? "";
  const there = record.nodeGroups.get(name);
  if (there !== undefined) {
    if (there.token !== undefined && there.token === input.clientRequestToken)
      return answer({ nodegroup: there.group });
    throw inUse(`NodeGroup already exists with name ${name} and cluster name ${record.cluster.name}`);
  }
  mustBeActive(record);
  mustBeValid(input);
  const template = input.launchTemplate ? await templateOf(handling, input.launchTemplate) : undefined;
  const instanceTypes = typesOf(input, template);
  await mustBeAssumable(handling, input.nodeRole ?? "", "ec2.amazonaws.com", policies);

  const version = input.version ?? record.cluster.version!;
  const scaling = { minSize: 1, maxSize: 2, desiredSize: 2, ...input.scalingConfig };
  const id = crypto.randomUUID();
  const now = new Date(world.clock.now());
  const asgName = `eks-${name}-${id}`;
  const group: Nodegroup = {
    nodegroupName: name,
    nodegroupArn: arnOf(handling, `nodegroup/${record.cluster.name}/${name}/${id}`),
    clusterName: record.cluster.name!,
    version,
    releaseVersion: input.releaseVersion ?? releaseVersion(version),
    createdAt: now,
    modifiedAt: now,
    status: "CREATING",
    capacityType: input.capacityType ?? "ON_DEMAND",
    scalingConfig: scaling,
    instanceTypes,
    subnets: input.subnets ?? [],
    amiType: input.amiType ?? "AL2023_x86_64_STANDARD",
    nodeRole: input.nodeRole!,
    labels: { ...input.labels },
    taints: input.taints ?? [],
    resources: { autoScalingGroups: [{ name: asgName }] },
    health: { issues: [] },
    updateConfig: input.updateConfig ?? { maxUnavailable: 1 },
    nodeRepairConfig: input.nodeRepairConfig ?? { enabled: false },
    tags: { ...input.tags },
    ...(template ? { launchTemplate: template.specification } : { diskSize: input.diskSize ?? 20 }),
  };
  const added: NodeGroupRecord = { group, token: input.clientRequestToken, autoScalingGroup: asgName };
  record.nodeGroups.set(name, added);
  addNodeEntry(handling, record, input.nodeRole!);
  const auto = createAutoScalingGroup(handling, asgName, {
    min: scaling.minSize!,
    max: scaling.maxSize!,
    subnets: group.subnets!,
    instanceTypes,
    lifecycle: group.capacityType === "SPOT" ? "spot" : "on-demand",
    template: template?.data ?? {},
    tags: {
      "eks:cluster-name": record.cluster.name!,
      "eks:nodegroup-name": name,
      [`kubernetes.io/cluster/${record.cluster.name}`]: "owned",
      "k8s.io/cluster-autoscaler/enabled": "true",
      [`k8s.io/cluster-autoscaler/${record.cluster.name}`]: "owned",
    },
  });
  await launch({ ...handling, request }, record, added, auto);
  return answer({ nodegroup: group });
}

/** Starts the instances and plans what becomes of the group. */
async function launch(handling: Handling, record: EksCluster, { group }: NodeGroupRecord, auto: AutoScalingGroup) {
  const { world } = handling;
  const { times, options, clock } = world;
  const desired = group.scalingConfig!.desiredSize!;
  const later = (ms: number, what: () => void) =>
    world.timeline.plan(clock.now() + ms, () => {
      if (group.status === "CREATING") what();
    });
  const fail = (code: NodegroupIssueCode, message: string, resourceIds: readonly string[]) =>
    later(times.failNodeGroup, () => {
      group.status = "CREATE_FAILED";
      group.health = { issues: [{ code, message, resourceIds: [...resourceIds] }] };
    });
  const isScarce = group.instanceTypes!.every((type) => options.scarce.includes(type));
  if (desired > 0 && (handling.isScarce || isScarce)) {
    const cause = failLaunch(handling, auto);
    fail("AsgInstanceLaunchFailures", cause, [auto.name]);
    return;
  }
  const problem = await findSubnetProblem(handling.moto, group.subnets!);
  if (problem?.isAtOnce) {
    fail("Ec2SubnetInvalidConfiguration", problem.message, problem.subnets);
    return;
  }
  await scale(handling, auto, desired);
  const hasNetwork = record.hasOwnAddons || record.addons.has("vpc-cni");
  if (desired > 0 && (problem !== undefined || !hasNetwork)) {
    const ids = auto.instances.map(({ id }) => id);
    fail("NodeCreationFailure", "Instances failed to join the kubernetes cluster", ids);
    return;
  }
  later(desired === 0 ? times.updateNodeGroup : times.createNodeGroup, () => {
    group.status = "ACTIVE";
  });
}

function updateConfig(handling: Handling) {
  const input = inputOf<UpdateNodegroupConfigCommandInput>(handling);
  const record = groupOf(handling);
  const { group } = record;
  mustBeIdle(record);
  if (input.scalingConfig) mustScale({ ...group.scalingConfig, ...input.scalingConfig });
  const params: UpdateParam[] = [];
  const { minSize, maxSize, desiredSize } = input.scalingConfig ?? {};
  if (minSize !== undefined) params.push({ type: "MinSize", value: String(minSize) });
  if (maxSize !== undefined) params.push({ type: "MaxSize", value: String(maxSize) });
  if (desiredSize !== undefined) params.push({ type: "DesiredSize", value: String(desiredSize) });
  if (input.labels?.addOrUpdateLabels) {
    params.push({ type: "LabelsToAdd", value: JSON.stringify(input.labels.addOrUpdateLabels) });
  }
  if (input.labels?.removeLabels)
    params.push({ type: "LabelsToRemove", value: JSON.stringify(input.labels.removeLabels) });
  if (input.taints) params.push({ type: "TaintsToAdd", value: JSON.stringify(input.taints) });
  if (input.updateConfig) params.push({ type: "MaxUnavailable", value: JSON.stringify(input.updateConfig) });
  if (params.length === 0 && !input.nodeRepairConfig)
    throw invalid("No changes needed for the nodegroup config provided");
  return change(handling, record, "ConfigUpdate", params, handling.world.times.updateNodeGroup, async () => {
    applyConfig(group, input);
    const auto = handling.region.autoScalingGroups.get(record.autoScalingGroup);
    if (auto === undefined || !input.scalingConfig) return;
    auto.min = group.scalingConfig!.minSize!;
    auto.max = group.scalingConfig!.maxSize!;
    await scale(handling, auto, group.scalingConfig!.desiredSize!);
  });
}

function applyConfig(group: NodeGroupRecord["group"], input: UpdateNodegroupConfigCommandInput) {
  const removed = input.labels?.removeLabels ?? [];
  const labels = { ...group.labels, ...input.labels?.addOrUpdateLabels };
  group.labels = Object.fromEntries(Object.entries(labels).filter(([name]) => !removed.includes(name)));
  const keyOf = ({ key, effect }: Taint) => `${key}/${effect}`;
  const gone = [...(input.taints?.removeTaints ?? []), ...(input.taints?.addOrUpdateTaints ?? [])].map(keyOf);
  group.taints = [
    ...(group.taints ?? []).filter((taint) => !gone.includes(keyOf(taint))),
    ...(input.taints?.addOrUpdateTaints ?? []),
  ];
  group.scalingConfig = { ...group.scalingConfig, ...input.scalingConfig };
  if (input.updateConfig) group.updateConfig = input.updateConfig;
  if (input.nodeRepairConfig) group.nodeRepairConfig = input.nodeRepairConfig;
}

async function updateVersion(handling: Handling) {
  const input = inputOf<UpdateNodegroupVersionCommandInput>(handling);
  const record = groupOf(handling);
  const { group } = record;
  mustBeIdle(record);
  const { cluster } = clusterNamed(handling);
  const version = input.version ?? cluster.version!;
  if (minorOf(version) > minorOf(cluster.version!)) {
    throw invalid(`Nodegroup Kubernetes version ${version} is newer than that of the cluster, ${cluster.version}`);
  }
  const template = input.launchTemplate ? await templateOf(handling, input.launchTemplate) : undefined;
  if (template && !group.launchTemplate) throw invalid("You cannot specify a launch template for this nodegroup");
  const release = input.releaseVersion ?? releaseVersion(version);
  const params: UpdateParam[] = [
    { type: "Version", value: version },
    { type: "ReleaseVersion", value: release },
  ];
  if (template) params.push({ type: "LaunchTemplateVersion", value: template.specification.version });
  return change(handling, record, "VersionUpdate", params, handling.world.times.upgradeNodeGroup, async () => {
    group.version = version;
    group.releaseVersion = release;
    if (template) group.launchTemplate = template.specification;
    const auto = handling.region.autoScalingGroups.get(record.autoScalingGroup);
    if (auto) await replaceInstances(handling, auto, template?.data);
  });
}

function change(
  handling: Handling,
  record: NodeGroupRecord,
  type: "ConfigUpdate" | "VersionUpdate",
  params: readonly UpdateParam[],
  ms: number,
  apply: () => Promise<void>,
) {
  const { group } = record;
  group.status = "UPDATING";
  const finish = async () => {
    if (group.status !== "UPDATING") return;
    await apply();
    group.modifiedAt = new Date(handling.world.clock.now());
    group.status = "ACTIVE";
  };
  const of = { nodegroupName: group.nodegroupName! };
  return answer({ update: startUpdate(handling, clusterNamed(handling), type, params, { ms, of, finish }) });
}

function deleteGroup(handling: Handling) {
  const { world } = handling;
  const cluster = clusterNamed(handling);
  const record = groupOf(handling);
  const { group } = record;
  if (group.status === "DELETING") return answer({ nodegroup: group });
  if (group.status === "CREATING" || group.status === "UPDATING") {
    throw inUse(`NodeGroup ${group.nodegroupName} cannot be deleted while it is ${group.status}`);
  }
  group.status = "DELETING";
  world.timeline.plan(world.clock.now() + world.times.deleteNodeGroup, async () => {
    await removeAutoScalingGroup(handling, record.autoScalingGroup);
    cluster.nodeGroups.delete(group.nodegroupName!);
    removeNodeEntry(cluster, group.nodeRole!);
  });
  return answer({ nodegroup: group });
}

function mustBeValid(input: CreateNodegroupCommandInput) {
  if (!/^[0-9A-Za-z][A-Za-z0-9_-]{0,62}$/.test(input.nodegroupName ?? "")) {
    throw invalid(`The nodegroup name ${input.nodegroupName} is not valid`);
  }
  mustScale(input.scalingConfig ?? {});
  if (!input.subnets?.length) throw invalid("Subnets are not specified");
  if (input.launchTemplate && input.diskSize !== undefined) {
    throw invalid("Disk size must be specified within the launch template.");
  }
  if (input.launchTemplate && input.remoteAccess) {
    throw invalid("Remote access configuration cannot be specified with a launch template.");
  }
  for (const { key = "", value = "", effect } of input.taints ?? []) {
    const isText = /^[A-Za-z0-9./_-]{1,253}$/.test(key) && value.length <= 63;
    if (!isText || !["NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE"].includes(String(effect))) {
      throw invalid(`The taint ${key}=${value}:${effect} is not valid`);
    }
  }
  for (const [key, value] of Object.entries(input.labels ?? {})) {
    const isReserved = /^(?:[\w.-]+\.)?(?:kubernetes|k8s)\.io\//.test(key) && !/^node\.kubernetes\.io\//.test(key);
    if (isReserved || value.length > 63) throw invalid(`Label cannot contain reserved prefixes or be too long: ${key}`);
  }
}

function mustScale({ minSize = 1, maxSize = 2, desiredSize = 2 }: NonNullable<Nodegroup["scalingConfig"]>) {
  if (maxSize < 1) throw invalid("Maximum capacity should be greater than zero");
  if (minSize > maxSize) throw invalid("Minimum capacity can't be greater than maximum capacity");
  if (desiredSize < minSize)
    throw invalid(`Minimum capacity ${minSize} can't be greater than desired size ${desiredSize}`);
  if (desiredSize > maxSize) throw invalid(`desired capacity ${desiredSize} can't be greater than max size ${maxSize}`);
}

function typesOf(
  input: CreateNodegroupCommandInput,
  template: { readonly data: LaunchTemplateData } | undefined,
): string[] {
  const ofTemplate = template?.data.InstanceType;
  if (ofTemplate !== undefined && input.instanceTypes?.length) {
    throw invalid("Instance type specified in launch template and CreateNodegroup request: use one of them.");
  }
  const types = ofTemplate !== undefined ? [ofTemplate] : (input.instanceTypes ?? ["t3.medium"]);
  if (types.length > 20) throw invalid("Too many instance types");
  return [...types];
}

async function templateOf(handling: Handling, given: NonNullable<CreateNodegroupCommandInput["launchTemplate"]>) {
  const found = await readLaunchTemplate(handling.moto, given);
  if (found === undefined)
    throw invalid(`Launch template ${given.id ?? given.name} version ${given.version} does not exist`);
  if (found.data.IamInstanceProfile) throw invalid("Launch template must not specify an instance profile");
  return found;
}

function mustBeIdle({ group }: NodeGroupRecord) {
  if (group.status === "ACTIVE" || group.status === "DEGRADED") return;
  throw inUse(`Nodegroup cannot be updated as it is currently not in Active State: it is ${group.status}`);
}

function clusterNamed({ region, request }: Handling): EksCluster {
  return clusterOf(region, String(request.json.clusterName));
}

function groupOf(handling: Handling): NodeGroupRecord {
  const name = String(handling.request.json.nodegroupName);
  const found = clusterNamed(handling).nodeGroups.get(name);
  if (found === undefined) throw notFound(`No node group found for name: ${name}.`);
  return found;
}
