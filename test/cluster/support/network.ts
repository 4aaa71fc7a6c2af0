import type { Aws } from "../../../src/aws/aws.ts";
import { connectAws } from "../../../src/aws/connect-aws.ts";
import type { Facts } from "../../../src/cluster/facts.ts";
import type { ResourceContext } from "../../../src/cluster/resources/context.ts";
import { kubernetesKinds } from "../../../src/cluster/resources/kubernetes-kinds.ts";
import { networkKinds } from "../../../src/cluster/resources/network-kinds.ts";
import { wantedNetwork } from "../../../src/cluster/wanted-network.ts";
import { type Applied, applyPlan } from "../../../src/core/graph/apply.ts";
import type { WalkEvent } from "../../../src/core/graph/plan.ts";
import { type GraphPlan, realChanges } from "../../../src/core/graph/plan.ts";
import { planDown } from "../../../src/core/graph/plan-down.ts";
import { planUp } from "../../../src/core/graph/plan-up.ts";
import { readAll } from "../../../src/core/graph/read-all.ts";
import { parseCluster } from "../../../src/spec/parse-cluster.ts";
import type { Emulator } from "../../aws/emulator.ts";

/** The network of a cluster, in an AWS of its own. */
export interface NetworkBench extends AsyncDisposable {
  readonly aws: Aws;
  readonly context: ResourceContext;
  readonly kinds: ReturnType<typeof networkKinds>;
  readonly made: ReturnType<typeof kubernetesKinds>;
  plan(): Promise<GraphPlan>;
  up(signal?: AbortSignal): Promise<Applied>;
  /** @returns what is left to do, e.g. `create nat-gateway/us-east-1a` */
  changes(): Promise<string[]>;
  /** Everything that is there, what Kubernetes made included. */
  planDown(): Promise<GraphPlan>;
  down(plan?: GraphPlan): Promise<Applied>;
  readonly events: WalkEvent[];
}

export interface BenchOptions {
  readonly emulator: Emulator;
  /** Lines of cluster.yaml. */
  readonly settings?: string;
  readonly clusterName?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly facts?: Partial<Facts>;
}

export const never = new AbortController().signal;

export async function networkBench(options: BenchOptions): Promise<NetworkBench> {
  const { emulator, settings = "", clusterName = "cortex", tags = {} } = options;
  const region = emulator.variables.AWS_REGION ?? "us-east-1";
  const { clock, variables } = emulator;
  const aws = connectAws({ region, variables, clock, onTry: () => clock.busy() });
  const identity = await aws.identity(never);
  const text = `cluster_name: ${clusterName}\nregion: ${region}\nnode_groups:\n  - name: cpu\n    instance_type: m5.large\n${settings}`;
  const { cluster } = await parseCluster({ file: "cluster.yaml", text, variables: {} });
  const zones = ["a", "b", "c"].map((letter, index) => ({ name: `${region}${letter}`, id: `az${index + 1}` }));
  const facts = { identity, region, zones, instanceTypes: new Map(), kubernetesVersion: "1.34", ...options.facts };
  const context = { aws, identity, clusterName, tags };
  const kinds = networkKinds(context);
  const made = kubernetesKinds(context, kinds);
  const events: WalkEvent[] = [];
  const own = Object.values(kinds);
  const plan = async () => {
    const { wanted } = wantedNetwork(cluster, facts, kinds);
    return planUp({ kinds: own, wanted, found: await readAll(own, never) });
  };
  const apply = (what: GraphPlan, signal: AbortSignal) =>
    applyPlan(what, { clock: emulator.clock, onEvent: (event) => events.push(event) }, signal);
  const planAll = async () => {
    const all = [...own, ...Object.values(made)];
    return planDown({ kinds: all, found: await readAll(all, never) });
  };
  return {
    ...{ aws, context, kinds, made, events, plan },
    up: async (signal = never) => apply(await plan(), signal),
    changes: async () => realChanges((await plan()).steps).map(({ action, id }) => `${action} ${id}`),
    planDown: planAll,
    down: async (what) => apply(what ?? (await planAll()), never),
    [Symbol.asyncDispose]: () => aws[Symbol.asyncDispose](),
  };
}
