import type { ApiMetrics } from "../../../core/environment.ts";
import { CortexError } from "../../../core/errors.ts";
import type { KubeClient } from "../../../kubernetes/kube-client.ts";
import { askPrometheus, type Sample, shown } from "./prometheus.ts";
import { inFlightName, queriesFor } from "./queries.ts";

/** Whoever lists APIs waits no longer for their figures. */
const patienceMs = 3_000;

/**
 * Reads what Prometheus knows of the APIs of a namespace, in one round of four questions however many there are. Rates and
 * quantiles are of the last minute. Totals are those of the replicas that run, since each of them started, and of those that
 * ended within a day, as far as Prometheus keeps them.
 * @param apis names; undefined for all. One that Prometheus has never seen is not in the answer
 * @throws CortexError NOT_AUTHORISED, REQUEST_FAILED, TIMED_OUT after a few seconds; the reason of `signal`
 */
export async function readMetrics(
  client: KubeClient,
  prometheusUrl: string,
  namespace: string,
  apis: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ApiMetrics>> {
  if (apis?.length === 0) return new Map();
  if (!URL.canParse(prometheusUrl))
    throw new CortexError("SPEC_INVALID", `"${prometheusUrl}" is no URL of a Prometheus`);
  // What is left of the others when one fails is not waited for.
  const stop = new AbortController();
  const patience = AbortSignal.timeout(patienceMs);
  const either = AbortSignal.any([signal, patience, stop.signal]);
  const ask = (query: string) => askPrometheus(client, prometheusUrl, query, either);
  const { now, answers, rate, quantiles } = queriesFor(namespace, apis);
  try {
    return metricsOf(...(await Promise.all([ask(now), ask(answers), ask(rate), ask(quantiles)])));
  } catch (error) {
    signal.throwIfAborted();
    if (!patience.aborted) throw error;
    throw new CortexError(
      "TIMED_OUT",
      `Prometheus at ${shown(prometheusUrl)} did not answer in ${patienceMs / 1000} s`,
    );
  } finally {
    stop.abort();
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** @returns what the answers to `Queries` say, by API */
export function metricsOf(
  now: readonly Sample[],
  answers: readonly Sample[],
  rates: readonly Sample[],
  quantiles: readonly Sample[],
): ReadonlyMap<string, ApiMetrics> {
  const all = new Map<string, Mutable<ApiMetrics>>();
  const of = ({ labels }: Sample): Mutable<ApiMetrics> => {
    const api = labels.cortex_api ?? "";
    const known = all.get(api) ?? { ...nothing };
    all.set(api, known);
    return known;
  };
  for (const sample of now)
    of(sample)[sample.labels.__name__ === inFlightName ? "inFlight" : "queueLength"] = sample.value;
  for (const sample of answers) {
    const key = classKeys[sample.labels.envoy_response_code_class ?? ""];
    if (key) of(sample)[key] = Math.round(sample.value);
  }
  for (const sample of rates) of(sample).requestsPerSecond = sample.value;
  for (const sample of quantiles) {
    // Of no request at all there is no quantile.
    if (Number.isFinite(sample.value)) of(sample)[sample.labels.quantile === "0.5" ? "p50Ms" : "p99Ms"] = sample.value;
  }
  return all;
}

const nothing: ApiMetrics = {
  requestsPerSecond: 0,
  status2xx: 0,
  status4xx: 0,
  status5xx: 0,
  inFlight: 0,
  queueLength: 0,
};

const classKeys: Readonly<Record<string, "status2xx" | "status4xx" | "status5xx">> = {
  2: "status2xx",
  4: "status4xx",
  5: "status5xx",
};
