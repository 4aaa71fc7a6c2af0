import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Aws } from "../../../src/aws/aws.ts";
import { connectAws } from "../../../src/aws/connect-aws.ts";
import { cloudClusters } from "../../../src/cluster/cloud-clusters.ts";
import type { Inside } from "../../../src/cluster/lifecycle/inside-port.ts";
import type { CloudClusters, CloudPlan, DownOutcome, UpOutcome } from "../../../src/core/cloud-cluster.ts";
import { realChanges, type WalkEvent } from "../../../src/core/graph/plan.ts";
import { type Cluster, parseCluster } from "../../../src/spec/parse-cluster.ts";
import { type Emulator, type EmulatorOptions, startEmulator } from "../../aws/emulator.ts";
import { type Folder, temporaryFolder } from "../../project/folder.ts";

/** The inside of clusters that has nothing in it, and whose Kubernetes made nothing in AWS. */
export function emptyInside(): Inside & { readonly calls: string[] } {
  const calls: string[] = [];
  return {
    calls,
    async view() {
      return { changes: [], warnings: [], problems: [] };
    },
    async look() {
      return { nodes: [], pods: [] };
    },
    async written() {
      return undefined;
    },
    async bring({ reachable }) {
      calls.push(`bring ${reachable.name}`);
      return { failures: [] };
    },
    async release({ name }) {
      calls.push(`release ${name}`);
      return undefined;
    },
  };
}

/** Someone who makes and removes clusters in an emulated AWS. */
export interface Operator {
  readonly aws: Aws;
  readonly clouds: CloudClusters;
  readonly inside: ReturnType<typeof emptyInside>;
  readonly events: WalkEvent[];
  /** Plans and does it. */
  up(cluster: Cluster, signal?: AbortSignal): Promise<{ readonly plan: CloudPlan; readonly outcome: UpOutcome }>;
  down(
    cluster: Cluster,
    options?: { readonly keepAwsResources: boolean },
    signal?: AbortSignal,
  ): Promise<{ readonly plan: CloudPlan; readonly outcome: DownOutcome }>;
}

export interface Place extends AsyncDisposable {
  readonly emulator: Emulator;
  /** Of the account's first client; `operator(variables)` is another one. */
  readonly me: Operator;
  operator(variables: Readonly<Record<string, string>>): Operator;
}

export const never: AbortSignal = new AbortController().signal;

/** An account of AWS of its own, on this machine. Without `speed` its time jumps. */
export async function lifecyclePlace(options: EmulatorOptions = {}): Promise<Place> {
  await using stack = new AsyncDisposableStack();
  const emulator = stack.use(await startEmulator(options));
  const home = stack.use(await temporaryFolder());
  const operator = (variables: Readonly<Record<string, string>>) =>
    operatorOf(emulator, { variables, home, stack: opened, hasLatency: (options.latencyMs ?? 0) > 0 });
  const opened = stack.use(new AsyncDisposableStack());
  const me = operator(emulator.variables);
  const owned = stack.move();
  return { emulator, me, operator, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
}

function operatorOf(
  emulator: Emulator,
  place: {
    readonly variables: Readonly<Record<string, string>>;
    readonly home: Folder;
    readonly stack: AsyncDisposableStack;
    readonly hasLatency: boolean;
  },
): Operator {
  const { variables, home, stack, hasLatency } = place;
  if (!/^http:\/\/(127\.0\.0\.1|localhost|\[::1\]):/.test(variables.AWS_ENDPOINT_URL ?? "")) {
    throw new Error("this would reach another AWS than the emulated one");
  }
  const onTry = () => emulator.clock.busy();
  const settings = { region: "us-east-1", variables, clock: emulator.clock };
  // An answer that takes its time needs time that goes on meanwhile.
  const aws = stack.use(connectAws({ ...settings, ...(!hasLatency && { onTry }) }));
  const inside = emptyInside();
  const clouds = cloudClusters({ aws, home: join(home.path, "home"), inside });
  const events: WalkEvent[] = [];
  const onEvent = (event: WalkEvent) => void events.push(event);
  return {
    aws,
    clouds,
    inside,
    events,
    async up(cluster, signal = never) {
      const plan = await clouds.planUp(cluster, signal);
      return { plan, outcome: await clouds.apply(plan, onEvent, signal) };
    },
    async down({ cluster_name: name, region }, options = { keepAwsResources: false }, signal = never) {
      const plan = await clouds.planDown({ name, region }, options, signal);
      return { plan, outcome: await clouds.down(plan, options, onEvent, signal) };
    },
  };
}

/** @param more lines of cluster.yaml @returns a small cluster with a name of its own */
export async function smallCluster(more = "", groups = "[{name: cpu, instance_type: m5.large}]"): Promise<Cluster> {
  const name = `c${randomBytes(4).toString("hex")}`;
  return clusterFrom(`cluster_name: ${name}\nregion: us-east-1\nnode_groups: ${groups}\n${more}`);
}

export async function clusterFrom(text: string): Promise<Cluster> {
  return (await parseCluster({ file: "cluster.yaml", text, variables: {} })).cluster;
}

/** @returns `create vpc` … in order of the plan */
export function doneBy({ changes }: CloudPlan): readonly string[] {
  return realChanges(changes).map(({ action, id }) => `${action} ${id}`);
}
