import type { Aws } from "../../aws/aws.ts";
import type { CloudPlan, Cost } from "../../core/cloud-cluster.ts";
import type { Cluster } from "../../spec/parse-cluster.ts";
import type { Facts } from "../facts.ts";
import { costOf, estimateCost, priceKeysOf, spotTypesOf } from "../prices/estimate-cost.ts";
import { type ExchangedGroup, exchangeWarnings } from "../prices/exchange-cost.ts";
import { priceCacheIn } from "../prices/price-cache.ts";
import { readPrices } from "../prices/read-prices.ts";
import { readRunning } from "../prices/read-running.ts";
import { type Running, runningCost, runningPriceKeys } from "../prices/running-cost.ts";

export interface Costs extends Pick<CloudPlan, "cost" | "costNow"> {
  readonly warnings: readonly string[];
}

/** What `cluster` will cost, and what there is of it costs now. */
export async function costsOfUp(
  { aws, home }: { readonly aws: Aws; readonly home: string },
  { cluster, facts, isThere }: { readonly cluster: Cluster; readonly facts: Facts; readonly isThere: boolean },
  signal: AbortSignal,
): Promise<Costs> {
  const running = isThere ? (await readRunning(aws, cluster.cluster_name, signal)).running : undefined;
  const keys = [...priceKeysOf({ cluster, facts }), ...(running ? runningPriceKeys(running) : [])];
  const spot = { types: [...spotTypesOf(cluster), ...spotOf(running)], zones: facts.zones.map(({ name }) => name) };
  const prices = await readPrices({ aws, cache: priceCacheIn(home), keys, spot }, signal);
  return {
    cost: estimateCost({ cluster, facts }, prices),
    ...(running && { costNow: runningCost(running, prices) }),
    warnings: prices.warnings,
  };
}

export interface Exchange {
  /** The version that the control plane gets has outlived its standard support. */
  readonly isExtended: boolean;
  /** Those whose nodes are exchanged. */
  readonly nodeGroups: readonly ExchangedGroup[];
}

/** What a cluster costs once it is upgraded, what it costs now, and what it costs beyond both meanwhile. */
export async function costsOfUpgrade(
  { aws, home }: { readonly aws: Aws; readonly home: string },
  name: string,
  { isExtended, nodeGroups }: Exchange,
  signal: AbortSignal,
): Promise<Costs> {
  const { running } = await readRunning(aws, name, signal);
  const after: Running = { ...running, controlPlane: { support: isExtended ? "extended" : "standard" } };
  const keys = [...new Set([...runningPriceKeys(running), ...runningPriceKeys(after)])];
  const question = { aws, cache: priceCacheIn(home), keys, spot: { types: spotOf(running), zones: [] } };
  const prices = await readPrices(question, signal);
  return {
    cost: runningCost(after, prices),
    costNow: runningCost(running, prices),
    warnings: [...exchangeWarnings(nodeGroups, running, prices), ...prices.warnings],
  };
}

/** What there is of a cluster costs. */
export async function costsNow(
  { aws, home }: { readonly aws: Aws; readonly home: string },
  name: string,
  signal: AbortSignal,
): Promise<{ readonly now: Cost; readonly nothing: Cost; readonly warnings: readonly string[] }> {
  const { running } = await readRunning(aws, name, signal);
  const keys = runningPriceKeys(running);
  const question = { aws, cache: priceCacheIn(home), keys, spot: { types: spotOf(running), zones: [] } };
  const prices = await readPrices(question, signal);
  return { now: runningCost(running, prices), nothing: costOf([], prices), warnings: prices.warnings };
}

function spotOf(running: Running | undefined): readonly string[] {
  return [...new Set((running?.instances ?? []).filter(({ market }) => market === "spot").map(({ type }) => type))];
}
