import {
  DeleteLogGroupCommand,
  DeleteRetentionPolicyCommand,
  PutRetentionPolicyCommand,
} from "@aws-sdk/client-cloudwatch-logs";
import {
  CreateLaunchTemplateVersionCommand,
  DeleteLaunchTemplateCommand,
  DeleteRouteCommand,
  DeleteRouteTableCommand,
  DeleteSubnetCommand,
  DeleteTagsCommand,
  DeleteVpcEndpointsCommand,
  DetachInternetGatewayCommand,
  DisassociateRouteTableCommand,
  ModifyLaunchTemplateCommand,
  ModifySubnetAttributeCommand,
  ModifyVpcAttributeCommand,
  ModifyVpcEndpointCommand,
  ReleaseAddressCommand,
} from "@aws-sdk/client-ec2";
import { DeleteRepositoryCommand, UntagResourceCommand as UntagRepositoryCommand } from "@aws-sdk/client-ecr";
import {
  DeletePodIdentityAssociationCommand,
  EKSClient,
  UntagResourceCommand,
  UpdateClusterConfigCommand,
  UpdateNodegroupConfigCommand,
  UpdatePodIdentityAssociationCommand,
} from "@aws-sdk/client-eks";
import {
  AttachRolePolicyCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  UntagRoleCommand,
  UpdateAssumeRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { DeleteBucketCommand, DeleteBucketTaggingCommand, DeletePublicAccessBlockCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ClusterKinds, kindsOf } from "../../../src/cluster/lifecycle/kinds.ts";
import type { CloudPlan } from "../../../src/core/cloud-cluster.ts";
import { readAll } from "../../../src/core/graph/read-all.ts";
import type { Found, ResourceKind } from "../../../src/core/graph/resource.ts";
import type { Cluster } from "../../../src/spec/parse-cluster.ts";
import type { Moto } from "../../aws/shim/moto-clients.ts";
import { doneBy, lifecyclePlace, never, type Place, smallCluster } from "../support/lifecycle.ts";

const minutes = 60_000;

/** Somebody who changes a cluster behind Cortex's back. */
interface Hand extends Moto {
  readonly eks: EKSClient;
  readonly name: string;
  readonly kinds: ClusterKinds;
  /** The only one, or that of an id. */
  find<State>(kind: ResourceKind<never, State>, id?: string): Promise<Found<State>>;
  settle(): Promise<void>;
}

/** What is done at once; then `up` is run. */
const rounds = {
  tags: "tags of the file",
  marks: "the tags by which things are found",
  changed: "what things are like",
  gone: "things that can be made again as they were",
  lost: "the launch template of a node group, which EKS gives no other",
  moved: "a subnet of a node group, which EKS gives no other",
} as const;

interface Row {
  readonly round: keyof typeof rounds;
  /** What the plan then shows; each is one of its changes, as `doneBy` tells them or with a difference behind. */
  readonly shows: readonly (string | RegExp)[];
  by(hand: Hand): Promise<unknown>;
}

const untag = async ({ ec2 }: Hand, { label }: { readonly label: string }, ...keys: readonly string[]) =>
  ec2.send(new DeleteTagsCommand({ Resources: [label], Tags: keys.map((Key) => ({ Key })) }));
const untagEks = async ({ eks }: Hand, resourceArn: string, ...tagKeys: readonly string[]) =>
  eks.send(new UntagResourceCommand({ resourceArn, tagKeys: [...tagKeys] }));
const marks = ["cortex.dev/cluster-name", "cortex.dev/resource"] as const;
const isMarked = (step: string) => new RegExp(`^${step}: tags\\.cortex\\.dev/cluster-name none -> `);

/** The tag of the user, and then those by which it is found, are taken away. */
function tagRows(of: string, kind: (kinds: ClusterKinds) => ResourceKind<never, unknown>, id?: string): readonly Row[] {
  return [
    {
      round: "tags",
      shows: [new RegExp(`^update ${of}: tags.team none -> models$`)],
      by: async (hand) => untag(hand, await hand.find(kind(hand.kinds), id), "team"),
    },
    {
      round: "marks",
      shows: [isMarked(`update ${of}`)],
      by: async (hand) => untag(hand, await hand.find(kind(hand.kinds), id), ...marks),
    },
  ];
}

const zone = "us-east-1a";

/** Of each kind that `up` makes: what somebody may do to it. A kind without a row here fails the first test. */
const rows: Readonly<Record<string, readonly Row[]>> = {
  // Nobody can delete one that anything is in.
  vpc: [
    ...tagRows("vpc", ({ network }) => network.vpc),
    {
      round: "changed",
      shows: ["update vpc: names in DNS no -> yes"],
      by: async ({ ec2, find, kinds }) => {
        const { label } = await find(kinds.network.vpc);
        const off = { VpcId: label, EnableDnsHostnames: { Value: false } };
        await ec2.send(new ModifyVpcAttributeCommand(off));
      },
    },
  ],
  subnet: [
    ...tagRows(`subnet/public-${zone}`, ({ network }) => network.subnet, `subnet/public-${zone}`),
    {
      round: "changed",
      shows: [`update subnet/public-${zone}: public addresses no -> yes`],
      by: async ({ ec2, find, kinds }) => {
        const { label: SubnetId } = await find(kinds.network.subnet, `subnet/public-${zone}`);
        await ec2.send(new ModifySubnetAttributeCommand({ SubnetId, MapPublicIpOnLaunch: { Value: false } }));
      },
    },
    {
      round: "moved",
      shows: [
        "create subnet/private-us-east-1c",
        /^create node-group\/cpu_\d: .*a subnet of it was removed/,
        /^remove node-group\/cpu/,
      ],
      by: async ({ ec2, find, kinds }) => {
        const { label } = await find(kinds.network.subnet, "subnet/private-us-east-1c");
        await ec2.send(new DeleteSubnetCommand({ SubnetId: label }));
      },
    },
  ],
  "internet-gateway": [
    ...tagRows("internet-gateway", ({ network }) => network.internetGateway),
    {
      round: "changed",
      shows: [/^update internet-gateway: VPC none -> vpc-/],
      by: async ({ ec2, find, kinds }) => {
        const { label: InternetGatewayId, state } = await find(kinds.network.internetGateway);
        await ec2.send(new DetachInternetGatewayCommand({ InternetGatewayId, VpcId: state.vpcId }));
      },
    },
  ],
  "nat-gateway": [
    ...tagRows(`nat-gateway/${zone}`, ({ network }) => network.natGateway),
    {
      round: "gone",
      shows: [`create nat-address/${zone}`, `create nat-gateway/${zone}`, /^update route-table\/private-us-east-1b/],
      by: async (hand) => {
        const { label } = await hand.find(hand.kinds.network.natGateway);
        const address = await hand.find(hand.kinds.network.natAddress);
        // Not behind the emulator's back, which looks after its interface.
        const ec2 = await hand.kinds.context.aws.ec2();
        await ec2.deleteNatGateway({ NatGatewayId: label }, never);
        await hand.settle();
        await hand.ec2.send(new ReleaseAddressCommand({ AllocationId: address.label }));
      },
    },
  ],
  "nat-address": tagRows(`nat-address/${zone}`, ({ network }) => network.natAddress),
  "route-table": [
    ...tagRows("route-table/public", ({ network }) => network.routeTable, "route-table/public"),
    {
      round: "changed",
      shows: [/^update route-table\/public: route to 0\.0\.0\.0\/0 none -> igw-/],
      by: async ({ ec2, find, kinds }) => {
        const { label: RouteTableId, state } = await find(kinds.network.routeTable, "route-table/public");
        await ec2.send(new DeleteRouteCommand({ RouteTableId, DestinationCidrBlock: "0.0.0.0/0" }));
        const [AssociationId] = Object.values(state.associations);
        await ec2.send(new DisassociateRouteTableCommand({ AssociationId }));
      },
    },
    {
      round: "gone",
      shows: [`create route-table/private-${zone}`],
      by: async ({ ec2, find, kinds }) => {
        const { label: RouteTableId, state } = await find(kinds.network.routeTable, `route-table/private-${zone}`);
        for (const AssociationId of Object.values(state.associations)) {
          await ec2.send(new DisassociateRouteTableCommand({ AssociationId }));
        }
        // As AWS does by itself.
        const { label: VpcEndpointId } = await find(kinds.network.s3Endpoint);
        await ec2.send(new ModifyVpcEndpointCommand({ VpcEndpointId, RemoveRouteTableIds: [RouteTableId] }));
        await ec2.send(new DeleteRouteTableCommand({ RouteTableId }));
      },
    },
  ],
  "s3-endpoint": [
    ...tagRows("s3-endpoint", ({ network }) => network.s3Endpoint),
    {
      round: "changed",
      shows: [/^update s3-endpoint: route tables none -> rtb-/],
      by: async ({ ec2, find, kinds }) => {
        const { label, state } = await find(kinds.network.s3Endpoint);
        const RemoveRouteTableIds = state.routeTableIds.slice(0, 1);
        await ec2.send(new ModifyVpcEndpointCommand({ VpcEndpointId: label, RemoveRouteTableIds }));
      },
    },
    {
      round: "gone",
      shows: ["create s3-endpoint"],
      by: async ({ ec2, find, kinds }) => {
        const { label } = await find(kinds.network.s3Endpoint);
        await ec2.send(new DeleteVpcEndpointsCommand({ VpcEndpointIds: [label] }));
      },
    },
  ],
  bucket: [
    {
      round: "changed",
      shows: ["update bucket: public access possible -> blocked"],
      by: async ({ s3, find, kinds }) =>
        s3.send(new DeletePublicAccessBlockCommand({ Bucket: (await find(kinds.network.bucket)).label })),
    },
    {
      round: "marks",
      shows: [isMarked("update bucket")],
      by: async ({ s3, find, kinds }) =>
        s3.send(new DeleteBucketTaggingCommand({ Bucket: (await find(kinds.network.bucket)).label })),
    },
    {
      round: "gone",
      shows: ["create bucket"],
      by: async ({ s3, find, kinds }) =>
        s3.send(new DeleteBucketCommand({ Bucket: (await find(kinds.network.bucket)).label })),
    },
  ],
  repository: [
    {
      round: "tags",
      shows: ["update repository: tags.team none -> models"],
      by: async ({ ecr, find, kinds }) => {
        const { aws, identity } = kinds.context;
        const { label } = await find(kinds.network.repository);
        const resourceArn = `arn:aws:ecr:${aws.region}:${identity.accountId}:repository/${label}`;
        await ecr.send(new UntagRepositoryCommand({ resourceArn, tagKeys: ["team"] }));
      },
    },
    {
      round: "gone",
      shows: ["create repository"],
      by: async ({ ecr, find, kinds }) =>
        ecr.send(new DeleteRepositoryCommand({ repositoryName: (await find(kinds.network.repository)).label })),
    },
  ],
  "log-group": [
    {
      round: "changed",
      shows: [
        "update log-group/containers: kept for ever -> 30 days",
        "update log-group/control-plane: kept 365 days -> 30 days",
      ],
      by: async ({ logs, name }) => {
        await logs.send(new DeleteRetentionPolicyCommand({ logGroupName: `/cortex/${name}` }));
        const longer = { logGroupName: `/aws/eks/${name}/cluster`, retentionInDays: 365 };
        await logs.send(new PutRetentionPolicyCommand(longer));
      },
    },
    {
      round: "gone",
      shows: ["create log-group/containers"],
      by: async ({ logs, name }) => logs.send(new DeleteLogGroupCommand({ logGroupName: `/cortex/${name}` })),
    },
  ],
  role: [
    {
      round: "changed",
      shows: [
        /^update role\/nodes: iam_policy_arns {2}-> arn:aws:iam::aws:policy\/AmazonEKSWorkerNodePolicy/,
        /^update role\/nodes: iam_policy_arns arn:aws:iam::aws:policy\/AdministratorAccess -> /,
        /^update role\/nodes: who takes it on others -> ec2/,
        "update role/fluent-bit: rights none -> what it needs",
      ],
      by: async ({ iam, find, kinds }) => {
        const { label: RoleName } = await find(kinds.eks.role, "role/nodes");
        const PolicyArn = (name: string) => `arn:aws:iam::aws:policy/${name}`;
        const kept = { RoleName, PolicyArn: PolicyArn("AmazonEKSWorkerNodePolicy") };
        await iam.send(new DetachRolePolicyCommand(kept));
        await iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn: PolicyArn("AdministratorAccess") }));
        const PolicyDocument = JSON.stringify({
          Version: "2012-10-17",
          Statement: [{ Effect: "Allow", Principal: { Service: "lambda.amazonaws.com" }, Action: "sts:AssumeRole" }],
        });
        await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument }));
        const writer = (await find(kinds.eks.role, "role/fluent-bit")).label;
        await iam.send(new DeleteRolePolicyCommand({ RoleName: writer, PolicyName: "cortex" }));
      },
    },
    {
      round: "marks",
      shows: [isMarked("update role/nodes")],
      by: async ({ iam, find, kinds }) => {
        const { label: RoleName } = await find(kinds.eks.role, "role/nodes");
        await iam.send(new UntagRoleCommand({ RoleName, TagKeys: [...marks] }));
      },
    },
    {
      round: "gone",
      shows: ["create role/vpc-cni"],
      by: async ({ find, kinds }) => {
        const { state } = await find(kinds.eks.role, "role/vpc-cni");
        const iam = await kinds.context.aws.iam();
        const RoleName = state.name;
        for (const PolicyArn of state.managedPolicies) await iam.detachRolePolicy({ RoleName, PolicyArn }, never);
        await iam.deleteRole({ RoleName }, never);
      },
    },
  ],
  "control-plane": [
    {
      round: "changed",
      shows: [
        /^update control-plane: operator_load_balancer_cidr_white_list 192\.0\.2\.0\/24 -> all/,
        /^update control-plane: logs of the control plane api -> /,
      ],
      by: async ({ eks, name, settle }) => {
        const resourcesVpcConfig = { publicAccessCidrs: ["192.0.2.0/24"] };
        await eks.send(new UpdateClusterConfigCommand({ name, resourcesVpcConfig }));
        await settle();
        const clusterLogging = [
          { types: ["api" as const], enabled: true },
          { types: ["authenticator" as const, "controllerManager" as const, "scheduler" as const], enabled: false },
        ];
        await eks.send(new UpdateClusterConfigCommand({ name, logging: { clusterLogging } }));
      },
    },
    {
      round: "marks",
      shows: [isMarked("update control-plane")],
      by: async (hand) => untagEks(hand, (await hand.find(hand.kinds.eks.controlPlane)).state.arn, ...marks),
    },
  ],
  addon: [
    {
      round: "changed",
      shows: ["update addon/aws-ebs-csi-driver: settings others -> ours"],
      by: async ({ kinds, name: clusterName }) => {
        const eks = await kinds.context.aws.eks();
        const configurationValues = JSON.stringify({ controller: { replicaCount: 3 } });
        await eks.updateAddon({ clusterName, addonName: "aws-ebs-csi-driver", configurationValues }, never);
      },
    },
    {
      round: "marks",
      shows: ["update addon/coredns: tags.team none -> models"],
      by: async (hand) =>
        untagEks(hand, (await hand.find(hand.kinds.eks.addon, "addon/coredns")).state.arn, ...marks, "team"),
    },
    {
      round: "gone",
      shows: ["create addon/metrics-server", "create addon/vpc-cni"],
      by: async ({ kinds, name }) => {
        const eks = await kinds.context.aws.eks();
        for (const addonName of ["metrics-server", "vpc-cni"]) {
          await eks.deleteAddon({ clusterName: name, addonName }, never);
        }
      },
    },
  ],
  "pod-identity": [
    {
      round: "changed",
      shows: [
        /^update pod-identity\/ebs-csi: role \S+-vpc-cni-\w+ -> \S+-ebs-csi-\w+$/,
        "update pod-identity/ebs-csi: tags.team none -> models",
      ],
      by: async (hand) => {
        const { eks, name: clusterName, find, kinds } = hand;
        const { label, state } = await find(kinds.eks.podIdentity, "pod-identity/ebs-csi");
        const { state: other } = await find(kinds.eks.role, "role/vpc-cni");
        const change = { clusterName, associationId: label, roleArn: other.arn };
        await eks.send(new UpdatePodIdentityAssociationCommand(change));
        await untagEks(hand, state.arn, "team");
      },
    },
    {
      round: "gone",
      shows: ["create pod-identity/fluent-bit"],
      by: async ({ eks, name: clusterName, find, kinds }) => {
        const { label } = await find(kinds.eks.podIdentity, "pod-identity/fluent-bit");
        await eks.send(new DeletePodIdentityAssociationCommand({ clusterName, associationId: label }));
      },
    },
  ],
  "node-group": [
    {
      round: "changed",
      shows: [
        /^update node-group\/cpu\S*: node_groups\.cpu\S*\.max_instances 9 -> 5/,
        /^update node-group\/cpu\S*: labels\.cortex\.dev\/node-group none -> cpu/,
        /^update node-group\/cpu\S*: tags\.team none -> models$/,
      ],
      by: async (hand) => {
        const { eks, name: clusterName, find, kinds } = hand;
        const { label: nodegroupName, state } = await find(kinds.eks.nodeGroup);
        const scalingConfig = { minSize: 0, maxSize: 9, desiredSize: 0 };
        const labels = { removeLabels: ["cortex.dev/node-group"] };
        await eks.send(new UpdateNodegroupConfigCommand({ clusterName, nodegroupName, scalingConfig, labels }));
        await hand.settle();
        await untagEks(hand, state.arn, "cortex.dev/resource", "team");
      },
    },
    {
      round: "marks",
      shows: [isMarked("update node-group/cpu\\S*")],
      by: async (hand) => untagEks(hand, (await hand.find(hand.kinds.eks.nodeGroup)).state.arn, ...marks),
    },
    {
      round: "gone",
      shows: [/^create node-group\/cpu/],
      by: async ({ kinds, name: clusterName, find, settle }) => {
        const { label: nodegroupName } = await find(kinds.eks.nodeGroup);
        await (await kinds.context.aws.eks()).deleteNodegroup({ clusterName, nodegroupName }, never);
        await settle();
      },
    },
  ],
  "launch-template": [
    ...tagRows("launch-template/cpu", ({ eks }) => eks.launchTemplate),
    {
      round: "changed",
      // No node group goes by it.
      shows: [],
      by: async ({ ec2, find, kinds }) => {
        const { label: LaunchTemplateId } = await find(kinds.eks.launchTemplate);
        const data = { LaunchTemplateId, LaunchTemplateData: { EbsOptimized: true }, SourceVersion: "1" };
        await ec2.send(new CreateLaunchTemplateVersionCommand(data));
        await ec2.send(new ModifyLaunchTemplateCommand({ LaunchTemplateId, DefaultVersion: "2" }));
      },
    },
    {
      round: "lost",
      shows: [
        /^create launch-template\/cpu_\d$/,
        /^create node-group\/cpu_\d: .*in the place of cpu\S*: its launch template was removed$/,
        /^remove node-group\/cpu/,
      ],
      by: async ({ ec2, find, kinds }) => {
        const { label: LaunchTemplateId } = await find(kinds.eks.launchTemplate);
        await ec2.send(new DeleteLaunchTemplateCommand({ LaunchTemplateId }));
      },
    },
  ],
};

const more = "subnet_visibility: private\ntags: {team: models}\n";
let place: Place;
let cluster: Cluster;
let hand: Hand;
let before: readonly string[];

beforeAll(async () => {
  place = await lifecyclePlace();
  cluster = await smallCluster(more);
  hand = await handOf(place, cluster);
  expect((await place.me.up(cluster)).outcome.failures).toEqual([]);
  before = await withoutNumbers(place);
}, 4 * minutes);
afterAll(() => place[Symbol.asyncDispose]());

test("every kind of resource has something done to it", () => {
  expect(Object.keys(rows).sort()).toEqual(hand.kinds.ours.map(({ name }) => name).sort());
});

describe("what is changed or deleted by hand", () => {
  test.each(Object.entries(rounds))("is put right: %s: %s", { timeout: 4 * minutes }, async (round) => {
    const { me } = place;
    const done = Object.values(rows).flatMap((ofKind) => ofKind.filter((row) => row.round === round));
    for (const { by } of done) await by(hand);
    await hand.settle();
    const plan = await me.clouds.planUp(cluster, never);
    const told = toldBy(plan);
    for (const shows of done.flatMap((row) => row.shows)) {
      expect(told).toContainEqual(typeof shows === "string" ? shows : expect.stringMatching(shows));
    }
    expect((await me.clouds.apply(plan, () => {}, never)).failures).toEqual([]);
    expect(doneBy(await me.clouds.planUp(cluster, never))).toEqual([]);
    expect(await withoutNumbers(place)).toEqual(before);
  });
});

test("a cluster that much was done to by hand goes without a trace", { timeout: 2 * minutes }, async () => {
  const { outcome } = await place.me.down(cluster);
  expect(outcome).toEqual({ failures: [], left: [], kept: [] });
  expect(await place.emulator.inventory.names()).toEqual([]);
});

/** @returns `update vpc`, `update vpc: tags.team none -> models`, `create node-group/cpu: 1 to 5 m5.large` … */
function toldBy(plan: CloudPlan): readonly string[] {
  return plan.changes.flatMap((change) => {
    const [done] = doneBy({ ...plan, changes: [change] });
    if (done === undefined) return [];
    const details = change.differences.map(({ field, from, to }) => `${done}: ${field} ${from} -> ${to}`);
    return [done, ...details, ...(change.detail === undefined ? [] : [`${done}: ${change.detail}`])];
  });
}

/** A node group in the place of another has a number behind its name. */
async function withoutNumbers({ emulator }: Place): Promise<readonly string[]> {
  const names = (await emulator.inventory.names()).map((name) =>
    name.replace(/(node-group\/cpu|launch-template\/cpu|eks-cpu)_\d/, "$1"),
  );
  return names.toSorted();
}

async function handOf({ me, emulator }: Place, { cluster_name: name, tags }: Cluster): Promise<Hand> {
  const context = { aws: me.aws, identity: await me.aws.identity(never), clusterName: name, tags };
  const kinds = kindsOf(context);
  const { AWS_ACCESS_KEY_ID: accessKeyId = "", AWS_SECRET_ACCESS_KEY: secretAccessKey = "" } = emulator.variables;
  const credentials = { accessKeyId, secretAccessKey };
  return {
    ...emulator.moto(),
    eks: new EKSClient({ region: "us-east-1", endpoint: emulator.endpoint, credentials }),
    name,
    kinds,
    async find<State>(kind: ResourceKind<never, State>, id?: string) {
      const all = ((await readAll([kind], never)).get(kind.name) ?? []) as readonly Found<State>[];
      const [found, ...others] = all.filter((one) => id === undefined || one.id === id);
      if (!found || others.length > 0) throw new Error(`there are ${all.length} of ${kind.name}, ${id}`);
      return found;
    },
    settle: () => emulator.clock.sleep(10 * minutes, never),
  };
}
