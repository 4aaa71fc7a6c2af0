import { readFacts } from "../../../src/cluster/preflight/read-facts.ts";
import { eksKinds } from "../../../src/cluster/resources/eks-kinds.ts";
import { networkKinds } from "../../../src/cluster/resources/network-kinds.ts";
import { wantedEks } from "../../../src/cluster/wanted-eks.ts";
import { wantedNetwork } from "../../../src/cluster/wanted-network.ts";
import { applyPlan } from "../../../src/core/graph/apply.ts";
import { planUp } from "../../../src/core/graph/plan-up.ts";
import { readAll } from "../../../src/core/graph/read-all.ts";
import type { AnyKind } from "../../../src/core/graph/resource.ts";
import { clusterFrom } from "./clusters.ts";
import type { Emulated } from "./emulated.ts";

/** Makes all that a cluster is in AWS, with nothing inside. */
export async function makeCluster({ aws, emulator, signal }: Emulated, text: string): Promise<void> {
  const cluster = await clusterFrom(text);
  const facts = await readFacts({ cluster, aws, standing: {}, defaultVersion: "1.34" }, signal);
  const context = { aws, identity: facts.identity, clusterName: cluster.cluster_name, tags: cluster.tags };
  const network = networkKinds(context);
  const eks = eksKinds(context, network);
  const kinds: readonly AnyKind[] = [...Object.values(network), ...Object.values(eks)];
  const parts = wantedNetwork(cluster, facts, network);
  const wanted = [...parts.wanted, ...wantedEks({ cluster, facts, kinds: eks, network: parts })];
  const plan = planUp({ kinds, wanted, found: await readAll(kinds, signal) });
  const { failures } = await applyPlan(plan, { clock: emulator.clock, onEvent: () => {} }, signal);
  if (failures.length > 0)
    throw new AggregateError(
      failures.map(({ error }) => error),
      "the cluster was not made",
    );
}
