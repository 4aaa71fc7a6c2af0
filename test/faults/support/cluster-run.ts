import { join } from "node:path";
import { connectAws } from "../../../src/aws/connect-aws.ts";
import { cloudClusters } from "../../../src/cluster/cloud-clusters.ts";
import type { CloudClusters, WalkFailure } from "../../../src/core/cloud-cluster.ts";
import { type Cluster, parseCluster } from "../../../src/spec/parse-cluster.ts";
import type { Emulator } from "../../aws/emulator.ts";
import type { Client } from "../../aws/shim/clients.ts";
import { emptyInside } from "../../cluster/support/lifecycle.ts";
import { temporaryFolder } from "../../project/folder.ts";

/** The smallest cluster that has everything: nodes without public addresses, and so a NAT gateway with its address. */
export const demoFile = `
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
  return (await parseCluster({ file: "cluster.yaml", text: demoFile, variables: {} })).cluster;
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

const ignore = () => {};

/** `cortex cluster up` of the demo cluster, by one client that dies with it. @throws when the client is killed */
export async function up(emulator: Emulator, options: RunOptions): Promise<readonly WalkFailure[]> {
  return withClouds(emulator, options, async (clouds, signal) => {
    const plan = await clouds.planUp(await demoCluster(), signal);
    return (await clouds.apply(plan, ignore, signal)).failures;
  });
}

/** `cortex cluster down` of it. @throws the same, and Error when its own sweep finds something left */
export async function down(emulator: Emulator, options: RunOptions): Promise<readonly WalkFailure[]> {
  return withClouds(emulator, options, async (clouds, signal) => {
    const { cluster_name: name, region } = await demoCluster();
    const nothingKept = { keepAwsResources: false };
    const plan = await clouds.planDown({ name, region }, nothingKept, signal);
    const { failures, left } = await clouds.down(plan, nothingKept, ignore, signal);
    if (failures.length === 0 && left.length > 0) throw new Error(`left: ${left.map(({ label }) => label).join(", ")}`);
    return failures;
  });
}

async function withClouds<T>(
  emulator: Emulator,
  { client, tryForMs = 30_000 }: RunOptions,
  run: (clouds: CloudClusters, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  await using folder = await temporaryFolder();
  const onTry = () => emulator.clock.busy();
  const settings = { region: "us-east-1", variables: client.variables, clock: emulator.clock, tryForMs, onTry };
  const aws = connectAws(settings);
  await using clouds = cloudClusters({ aws, home: join(folder.path, "home"), inside: emptyInside() });
  return await run(clouds, client.dead);
}
