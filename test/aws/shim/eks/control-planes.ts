import { CreateLogGroupCommand } from "@aws-sdk/client-cloudwatch-logs";
import {
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  DescribeSubnetsCommand,
  type Subnet,
} from "@aws-sdk/client-ec2";
import type { Cluster, CreateClusterCommandInput, LogSetup } from "@aws-sdk/client-eks";
import { isSecurityGroupUsed } from "../ec2/dependencies.ts";
import { addInterface, removeInterface } from "../ec2/interfaces.ts";
import { mustBeAssumable } from "../iam.ts";
import { Refused } from "../reply.ts";
import type { Handlers, Handling } from "../world.ts";
import { clusterAdminPolicy } from "./access.ts";
import { answer, arnOf, clusterOf, type EksCluster, inputOf, inUse, invalid, invalidRequest, page } from "./state.ts";
import { defaultVersion, platformVersion, versions } from "./versions.ts";

/** Zones in which EKS has no room for control planes: their ids, which are the same in every account. */
const zonesWithoutControlPlanes = ["use1-az3", "usw1-az2", "cac1-az3"];
const policy = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy";

export const controlPlaneHandlers: Handlers = {
  CreateCluster: createCluster,
  DescribeCluster: (handling) => answer({ cluster: shown(handling, named(handling)) }),
  ListClusters: (handling) => page(handling, "clusters", [...handling.region.clusters.keys()].sort()),
  DeleteCluster: deleteCluster,
};

async function createCluster(handling: Handling) {
  const { world, region, request } = handling;
  const input = inputOf<CreateClusterCommandInput>(handling);
  const name = input.name ?? "";
  const there = region.clusters.get(name);
  if (there !== undefined) {
    if (there.token !== undefined && there.token === input.clientRequestToken)
      return answer({ cluster: there.cluster });
    throw inUse(`Cluster already exists with name: ${name}`);
  }
  if (!/^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$/.test(name)) throw invalid(`The name ${name} is not valid`);
  const version = input.version ?? defaultVersion;
  if (!versions.some(({ clusterVersion }) => clusterVersion === version))
    throw invalid("unsupported Kubernetes version");
  const subnets = await subnetsOf(handling, input.resourcesVpcConfig?.subnetIds ?? []);
  mustHaveRoom(handling, subnets);
  await mustBeAssumable(handling, input.roleArn ?? "", "eks.amazonaws.com", [policy]);

  const createdAt = new Date(world.clock.now());
  const vpc = input.resourcesVpcConfig ?? {};
  const cluster: Cluster = {
    name,
    arn: arnOf(handling, `cluster/${name}`),
    createdAt,
    version,
    platformVersion: platformVersion(version),
    roleArn: input.roleArn!,
    status: "CREATING",
    health: { issues: [] },
    resourcesVpcConfig: {
      subnetIds: vpc.subnetIds ?? [],
      securityGroupIds: vpc.securityGroupIds ?? [],
      vpcId: subnets[0]!.VpcId!,
      endpointPublicAccess: vpc.endpointPublicAccess ?? true,
      endpointPrivateAccess: vpc.endpointPrivateAccess ?? false,
      publicAccessCidrs: vpc.publicAccessCidrs ?? ["0.0.0.0/0"],
    },
    kubernetesNetworkConfig: { serviceIpv4Cidr: "10.100.0.0/16", ipFamily: "ipv4", ...input.kubernetesNetworkConfig },
    logging: { clusterLogging: allLogging(input.logging?.clusterLogging ?? []) },
    accessConfig: {
      authenticationMode: input.accessConfig?.authenticationMode ?? "CONFIG_MAP",
      bootstrapClusterCreatorAdminPermissions: input.accessConfig?.bootstrapClusterCreatorAdminPermissions ?? true,
    },
    upgradePolicy: input.upgradePolicy ?? { supportType: "EXTENDED" },
    deletionProtection: input.deletionProtection ?? false,
    zonalShiftConfig: input.zonalShiftConfig ?? { enabled: false },
    tags: { ...input.tags },
    ...(input.encryptionConfig && { encryptionConfig: input.encryptionConfig }),
  };
  const record: EksCluster = {
    cluster,
    token: input.clientRequestToken,
    nodeGroups: new Map(),
    addons: new Map(),
    associations: new Map(),
    accessEntries: new Map(),
    updates: new Map(),
    hasOwnAddons: input.bootstrapSelfManagedAddons ?? true,
    interfaces: [],
  };
  region.clusters.set(name, record);
  addCreator(handling, record);
  await addNetwork(handling, record, subnets);
  world.timeline.plan(createdAt.getTime() + world.times.createCluster, () => becomeActive(handling, record));
  return answer({ cluster: shown({ ...handling, request }, record) });
}

function addCreator({ world, ...handling }: Handling, { cluster, accessEntries }: EksCluster) {
  const { authenticationMode, bootstrapClusterCreatorAdminPermissions } = cluster.accessConfig!;
  if (authenticationMode === "CONFIG_MAP" || !bootstrapClusterCreatorAdminPermissions) return;
  const now = new Date(world.clock.now());
  const entry = {
    clusterName: cluster.name!,
    principalArn: world.caller,
    kubernetesGroups: [],
    accessEntryArn: arnOf({ ...handling, world }, `access-entry/${cluster.name}/user/${world.account}/creator`),
    createdAt: now,
    modifiedAt: now,
    tags: {},
    username: world.caller,
    type: "STANDARD",
  };
  const policies = [
    {
      policyArn: clusterAdminPolicy,
      accessScope: { type: "cluster" as const, namespaces: [] },
      associatedAt: now,
      modifiedAt: now,
    },
  ];
  accessEntries.set(world.caller, { entry, policies, isOfNodes: false });
}

/** EKS puts a security group into the VPC and network interfaces into two of the subnets. */
async function addNetwork(handling: Handling, { cluster, interfaces }: EksCluster, subnets: readonly Subnet[]) {
  const { moto, region } = handling;
  const { name } = cluster;
  const tags = { "aws:eks:cluster-name": name!, [`kubernetes.io/cluster/${name}`]: "owned" };
  const groupName = `eks-cluster-sg-${name}-${Math.floor(Math.random() * 1e9)}`;
  const { GroupId } = await moto.ec2.send(
    new CreateSecurityGroupCommand({
      GroupName: groupName,
      Description: "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes",
      VpcId: subnets[0]!.VpcId!,
      TagSpecifications: [
        {
          ResourceType: "security-group",
          Tags: Object.entries({ ...tags, Name: groupName }).map(([Key, Value]) => ({ Key, Value })),
        },
      ],
    }),
  );
  cluster.resourcesVpcConfig = { ...cluster.resourcesVpcConfig, clusterSecurityGroupId: GroupId };
  for (const subnet of subnets.slice(0, 2)) {
    const groups = [GroupId!, ...(cluster.resourcesVpcConfig.securityGroupIds ?? [])];
    interfaces.push(
      await addInterface(moto, region, {
        subnetId: subnet.SubnetId!,
        groups,
        description: `Amazon EKS ${name}`,
        record: { status: "in-use", isManaged: true, type: "interface" },
        tags: {},
      }),
    );
  }
}

async function becomeActive(handling: Handling, record: EksCluster) {
  const { cluster } = record;
  if (cluster.status !== "CREATING") return;
  const id = crypto.randomUUID().replaceAll("-", "").toUpperCase();
  const { region } = handling.request;
  const { controlPlane } = handling.world.options;
  cluster.status = "ACTIVE";
  cluster.endpoint = controlPlane?.endpoint ?? `https://${id}.gr7.${region}.eks.amazonaws.com`;
  cluster.certificateAuthority = { data: controlPlane?.certificateAuthority ?? noAuthority };
  cluster.identity = { oidc: { issuer: `https://oidc.eks.${region}.amazonaws.com/id/${id}` } };
  await writeLogs(handling, record);
}

/** No certificate, but text of its form. */
const noAuthority = Buffer.from(
  `-----BEGIN CERTIFICATE-----\n${Buffer.from("emulated").toString("base64")}\n-----END CERTIFICATE-----\n`,
).toString("base64");

/** A control plane that logs makes its log group when it is missing, also one that was just deleted. */
export async function writeLogs({ moto }: Handling, { cluster }: EksCluster) {
  if (!cluster.logging?.clusterLogging?.some(({ enabled, types }) => enabled && types?.length)) return;
  const logGroupName = `/aws/eks/${cluster.name}/cluster`;
  await moto.logs.send(new CreateLogGroupCommand({ logGroupName })).catch((error: Error) => {
    if (error.name !== "ResourceAlreadyExistsException") throw error;
  });
}

async function deleteCluster(handling: Handling) {
  const { world } = handling;
  const record = named(handling);
  const { cluster } = record;
  if (cluster.status === "DELETING") return answer({ cluster });
  if (cluster.deletionProtection) throw invalidRequest(`Cluster ${cluster.name} has deletion protection enabled`);
  if (record.nodeGroups.size > 0) throw inUse("Cluster has nodegroups attached");
  if (cluster.status === "CREATING" || cluster.status === "UPDATING") {
    throw inUse(`Cluster ${cluster.name} cannot be deleted while it is ${cluster.status}`);
  }
  cluster.status = "DELETING";
  world.timeline.plan(world.clock.now() + world.times.deleteCluster, () => vanish(handling, record));
  return answer({ cluster });
}

async function vanish(handling: Handling, record: EksCluster) {
  const { moto, region } = handling;
  await writeLogs(handling, record);
  for (const id of record.interfaces) await removeInterface(moto, region, id);
  const group = record.cluster.resourcesVpcConfig?.clusterSecurityGroupId;
  // As AWS does: what somebody else still uses is left behind.
  if (group !== undefined && !(await isSecurityGroupUsed(moto, group))) {
    await moto.ec2.send(new DeleteSecurityGroupCommand({ GroupId: group })).catch(() => {});
  }
  region.clusters.delete(record.cluster.name!);
}

async function subnetsOf({ moto }: Handling, ids: readonly string[]): Promise<Subnet[]> {
  if (ids.length < 2) throw invalid("Subnets specified must be in at least two different AZs");
  const found = await moto.ec2.send(new DescribeSubnetsCommand({ SubnetIds: [...ids] })).catch((error: Error) => {
    throw invalid(`The subnet ID '${ids.join(", ")}' does not exist (Service: AmazonEC2; ${error.message})`);
  });
  return found.Subnets ?? [];
}

function mustHaveRoom({ isScarce }: Handling, subnets: readonly Subnet[]) {
  const zones = new Set(subnets.map(({ AvailabilityZone }) => AvailabilityZone));
  if (zones.size < 2) throw invalid("Subnets specified must be in at least two different AZs");
  if (new Set(subnets.map(({ VpcId }) => VpcId)).size > 1)
    throw invalid("Subnets specified must belong to the same VPC");
  const bad = subnets.find(({ AvailabilityZoneId }) => zonesWithoutControlPlanes.includes(AvailabilityZoneId ?? ""));
  const full = bad ?? (isScarce ? subnets[0] : undefined);
  if (full === undefined) return;
  const validZones = [...zones].filter((zone) => zone !== full.AvailabilityZone);
  throw new Refused(
    "UnsupportedAvailabilityZoneException",
    `Cannot create cluster because ${full.AvailabilityZone}, the targeted availability zone, does not currently have sufficient ` +
      `capacity to support the cluster. Retry and choose from these availability zones: ${validZones.join(", ")}`,
    400,
    { validZones },
  );
}

function named(handling: Handling): EksCluster {
  return clusterOf(handling.region, String(handling.request.json.name));
}

function shown(_: Handling, { cluster }: EksCluster): Cluster {
  return cluster;
}

const logTypes = ["api", "audit", "authenticator", "controllerManager", "scheduler"] as const;

/** @returns as EKS tells it: one entry for the types that are on, one for the others */
export function allLogging(given: readonly LogSetup[]): LogSetup[] {
  const on = logTypes.filter((type) => given.some(({ types, enabled }) => enabled && types?.includes(type)));
  const off = logTypes.filter((type) => !on.includes(type));
  const setups = [
    { types: [...on], enabled: true },
    { types: [...off], enabled: false },
  ];
  return setups.filter(({ types }) => types.length > 0);
}
