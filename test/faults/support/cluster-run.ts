import type { Aws } from "../../../src/aws/aws.ts";
import { connectAws } from "../../../src/aws/connect-aws.ts";
import { readFacts } from "../../../src/cluster/preflight/read-facts.ts";
import type { ResourceContext } from "../../../src/cluster/resources/context.ts";
import { eksKinds } from "../../../src/cluster/resources/eks-kinds.ts";
import { kubernetesKinds } from "../../../src/cluster/resources/kubernetes-kinds.ts";
import { networkKinds } from "../../../src/cluster/resources/network-kinds.ts";
import { defaultKubernetesVersion, wantedEks } from "../../../src/cluster/wanted-eks.ts";
import { wantedNetwork } from "../../../src/cluster/wanted-network.ts";
import type { WalkFailure } from "../../../src/core/cloud-cluster.ts";
import { type Applied, applyPlan } from "../../../src/core/graph/apply.ts";
import { planDown } from "../../../src/core/graph/plan-down.ts";
import { planUp } from "../../../src/core/graph/plan-up.ts";
import { readAll } from "../../../src/core/graph/read-all.ts";
import type { AnyKind } from "../../../src/core/graph/resource.ts";
import { type Cluster, parseCluster } from "../../../src/spec/parse-cluster.ts";
import type { Emulator } from "../../aws/emulator.ts";
import type { Client } from "../../aws/shim/clients.ts";

/** The smallest cluster that has everything: nodes without public addresses, and so a NAT gateway with its address. */
const clusterFile = `
cluster_name: demo
region: us-east-1
availability_zones: [us-east-1a, us-east-1b]
subnet_visibility: private
nat_gateway: single
node_groups:
  - name: cpu
    instance_type: m5.large
    min_instances: 1
    max_instances: 2
`;

export async function demoCluster(): Promise<Cluster> {
  return (await parseCluster({ file: "cluster.yaml", text: clusterFile, variables: {} })).cluster;
}

/** Waits are short, so that there are few polls and every call of a run can be a place to kill it. */
export const shortTimes = {
  createCluster: 8_000,
  updateCluster: 2_000,
  deleteCluster: 5_000,
  createNodeGroup: 5_000,
  updateNodeGroup: 2_000,
  failNodeGroup: 4_000,
  deleteNodeGroup: 5_000,
  createAddon: 1_000,
  updateAddon: 1_000,
  deleteAddon: 1_000,
  createNatGateway: 3_000,
  deleteNatGateway: 3_000,
  deleteLoadBalancer: 3_000,
  propagateRole: 3_000,
};

export interface RunOptions {
  readonly client: Client;
  /** Real milliseconds that one try of a call may take. */
  readonly tryForMs?: number;
}

/** `cortex cluster up` of the demo cluster, by one client that dies with it. @throws when the client is killed */
export async function up(emulator: Emulator, options: RunOptions): Promise<readonly WalkFailure[]> {
  return withAws(emulator, options, async (aws, signal) => {
    const cluster = await demoCluster();
    const context = await contextOf(aws, cluster, signal);
    const network = networkKinds(context);
    const eks = eksKinds(context, network);
    const kinds: AnyKind[] = [...Object.values(network), ...Object.values(eks)];
    const question = { cluster, aws, standing: {}, defaultVersion: defaultKubernetesVersion };
    const [facts, found] = await Promise.all([readFacts(question, signal), readAll(kinds, signal)]);
    const plan = wantedNetwork(cluster, facts, network);
    const wanted = [...plan.wanted, ...wantedEks({ cluster, facts, kinds: eks, network: plan })];
    return failuresOf(await applyPlan(planUp({ kinds, wanted, found }), { clock: emulator.clock }, signal));
  });
}

/** `cortex cluster down` of it. */
export async function down(emulator: Emulator, options: RunOptions): Promise<readonly WalkFailure[]> {
  return withAws(emulator, options, async (aws, signal) => {
    const context = await contextOf(aws, await demoCluster(), signal);
    const network = networkKinds(context);
    const kinds: AnyKind[] = [
      ...Object.values(network),
      ...Object.values(eksKinds(context, network)),
      ...Object.values(kubernetesKinds(context, network)),
    ];
    const plan = planDown({ kinds, found: await readAll(kinds, signal) });
    return failuresOf(await applyPlan(plan, { clock: emulator.clock }, signal));
  });
}

async function withAws<T>(
  emulator: Emulator,
  { client, tryForMs = 30_000 }: RunOptions,
  run: (aws: Aws, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { region, variables } = { region: "us-east-1", variables: client.variables };
  await using aws = connectAws({ region, variables, clock: emulator.clock, tryForMs });
  return await run(aws, client.dead);
}

async function contextOf(aws: Aws, cluster: Cluster, signal: AbortSignal): Promise<ResourceContext> {
  return { aws, identity: await aws.identity(signal), clusterName: cluster.cluster_name, tags: {} };
}

function failuresOf({ failures }: Applied): readonly WalkFailure[] {
  return failures;
}
