import { connectAws } from "../../../src/aws/connect-aws.ts";
import type { Facts } from "../../../src/cluster/facts.ts";
import type { ResourceContext } from "../../../src/cluster/resources/context.ts";
import { eksKinds } from "../../../src/cluster/resources/eks-kinds.ts";
import { networkKinds } from "../../../src/cluster/resources/network-kinds.ts";
import { readUpgrade, wantedUpgrade } from "../../../src/cluster/upgrade.ts";
import { wantedEks } from "../../../src/cluster/wanted-eks.ts";
import { wantedNetwork } from "../../../src/cluster/wanted-network.ts";
import { applyPlan } from "../../../src/core/graph/apply.ts";
import type { FoundByKind } from "../../../src/core/graph/duplicates.ts";
import type { WalkEvent } from "../../../src/core/graph/plan.ts";
import { planDown } from "../../../src/core/graph/plan-down.ts";
import { planUp } from "../../../src/core/graph/plan-up.ts";
import { readAll } from "../../../src/core/graph/read-all.ts";
import type { AnyKind, Found, ResourceKind } from "../../../src/core/graph/resource.ts";
import { parseCluster } from "../../../src/spec/parse-cluster.ts";
import type { Emulator } from "../../aws/emulator.ts";
import { instanceTypes } from "../eks-samples.ts";

/** One cluster in an emulated AWS, made and removed by its kinds alone: no preflight, no lease, nothing inside. */
export async function eksCloud(emulator: Emulator, { clusterName }: { readonly clusterName: string }) {
  const region = "us-east-1";
  const { signal } = new AbortController();
  const aws = connectAws({
    region,
    variables: emulator.variables,
    clock: emulator.clock,
    onTry: () => emulator.clock.busy(),
  });
  const identity = await aws.identity(signal);
  const zones = ["a", "b"].map((letter, index) => ({ name: `${region}${letter}`, id: `use1-az${index + 1}` }));
  const facts: Facts = { identity, region, zones, instanceTypes, kubernetesVersion: "1.33" };
  const kindsWith = (tags: ResourceContext["tags"], isUpgrade: boolean) => {
    const context = { aws, identity, clusterName, tags };
    const network = networkKinds(context);
    return { network, eks: eksKinds(context, network, { isUpgrade }) };
  };
  const listOf = ({ network, eks }: ReturnType<typeof kindsWith>): AnyKind[] => [
    ...Object.values(network),
    ...Object.values(eks),
  ];
  const apply = async (plan: ReturnType<typeof planUp>) => {
    const events: WalkEvent[] = [];
    const startedAt = emulator.clock.now();
    const { failures } = await applyPlan(
      plan,
      { clock: emulator.clock, onEvent: (event) => events.push(event) },
      signal,
    );
    return { plan, failures, events, tookMs: emulator.clock.now() - startedAt };
  };

  return {
    aws,
    signal,
    [Symbol.asyncDispose]: () => aws[Symbol.asyncDispose](),
    async plan(groups: string) {
      const text = `cluster_name: ${clusterName}\nregion: ${region}\n${groups}`;
      const { cluster } = await parseCluster({ file: "cluster.yaml", text, variables: {} });
      const kinds = kindsWith(cluster.tags, false);
      const network = wantedNetwork(cluster, facts, kinds.network);
      const wanted = [...network.wanted, ...wantedEks({ cluster, facts, kinds: kinds.eks, network })];
      return planUp({ kinds: listOf(kinds), wanted, found: await readAll(listOf(kinds), signal) });
    },
    async up(groups: string) {
      return apply(await this.plan(groups));
    },
    async planUpgrade(asked?: string) {
      const { eks } = kindsWith({}, true);
      const kinds: AnyKind[] = [eks.controlPlane, eks.addon, eks.nodeGroup];
      const found = await readAll(kinds, signal);
      const of = <State>(kind: ResourceKind<never, State>) => (found.get(kind.name) ?? []) as readonly Found<State>[];
      const [controlPlane] = of(eks.controlPlane);
      const there = { controlPlane: controlPlane!, addons: of(eks.addon), nodeGroups: of(eks.nodeGroup) };
      const upgrade = await readUpgrade(aws, there, asked, signal);
      return planUp({ kinds, wanted: wantedUpgrade(there, upgrade, eks), found });
    },
    async upgrade(asked?: string) {
      return apply(await this.planUpgrade(asked));
    },
    async down() {
      const kinds = listOf(kindsWith({}, false));
      return apply(planDown({ kinds, found: await readAll(kinds, signal) }));
    },
    async found(): Promise<FoundByKind> {
      return readAll(listOf(kindsWith({}, false)), signal);
    },
  };
}

export function actions(plan: { readonly steps: readonly { readonly id: string; readonly action: string }[] }) {
  return Object.fromEntries(plan.steps.filter(({ action }) => action !== "keep").map(({ id, action }) => [id, action]));
}
