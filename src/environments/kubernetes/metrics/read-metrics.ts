import type { ApiMetrics } from "../../../core/environment.ts";
import { CortexError } from "../../../core/errors.ts";
import type { KubeClient } from "../../../kubernetes/kube-client.ts";
import { askPrometheus, type Sample, shown } from "./prometheus.ts";
import { quantileOf } from "./quantile.ts";
import { inFlightName, type Measured, queriesFor } from "./queries.ts";

/** Whoever lists APIs waits no longer for their figures. */
const patienceMs = 3_000;

/**
 * Reads what Prometheus knows of the APIs of a namespace, in one round of three questions however many there are. Rates and
 * quantiles are of the last minute, or of the last five where Prometheus looks too seldom. Totals are those of the replicas
 * that run, since each of them started, and of those that ended within a day, as far as Prometheus keeps them; of splitters
 * those of the gateway's pods. What a splitter has in-flight is not known.
 * @returns one entry for each API of which Prometheus knows anything
 * @throws CortexError NOT_AUTHORISED, REQUEST_FAILED, SPEC_INVALID, TIMED_OUT after a few seconds; the reason of `signal`
 */
export async function readMetrics(
  client: KubeClient,
  prometheusUrl: string,
  namespace: string,
  measured: Measured,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ApiMetrics>> {
  if (!URL.canParse(prometheusUrl)) {
    throw new CortexError("SPEC_INVALID", "the address of Prometheus is no URL", {
      hint: "e.g. --prometheus http://prometheus.monitoring:9090",
    });
  }
  // What is left of the others when one fails is not waited for.
  const stop = new AbortController();
  const patience = AbortSignal.timeout(patienceMs);
  const either = AbortSignal.any([signal, patience, stop.signal]);
  const ask = (query: string) => askPrometheus(client, prometheusUrl, query, either);
  try {
    const queries = queriesFor(namespace, measured, "1m");
    const [now, answers, durations] = await Promise.all([
      ask(queries.now),
      ask(queries.answers),
      ask(queries.durations),
    ]);
    const isTooSeldom = durations.length === 0 && now.length > 0 && answers.some(({ value }) => value > 0);
    const lately = isTooSeldom ? await ask(queriesFor(namespace, measured, "5m").durations) : durations;
    return metricsOf(now, answers, lately);
  } catch (error) {
    signal.throwIfAborted();
    if (!patience.aborted) throw error;
    throw new CortexError(
      "TIMED_OUT",
      `Prometheus at ${shown(prometheusUrl)} did not answer within ${patienceMs / 1000} s`,
    );
  } finally {
    stop.abort();
  }
}

/** @returns what the answers to `Queries` say, by API */
export function metricsOf(
  now: readonly Sample[],
  answers: readonly Sample[],
  durations: readonly Sample[],
): ReadonlyMap<string, ApiMetrics> {
  const parts = [now, answers, durations].map((samples) =>
    Map.groupBy(samples, ({ labels }) => labels.cortex_api ?? ""),
  );
  const names = new Set(parts.flatMap((part) => [...part.keys()]));
  return new Map(
    [...names].map((name) => {
      const [gauges, totals, spread] = parts.map((part) => part.get(name) ?? []);
      return [name, { ...nowOf(gauges!), ...totalsOf(totals!), ...latelyOf(spread!) }];
    }),
  );
}

function nowOf(samples: readonly Sample[]): Pick<ApiMetrics, "inFlight" | "queueLength"> {
  const sumOf = (isInFlight: boolean) =>
    sum(samples.filter((one) => (one.labels.__name__ === inFlightName) === isInFlight));
  return { inFlight: sumOf(true), queueLength: sumOf(false) };
}

function totalsOf(samples: readonly Sample[]): Pick<ApiMetrics, "status2xx" | "status4xx" | "status5xx"> {
  const sumOf = (statusClass: string) =>
    Math.round(sum(samples.filter(({ labels }) => labels.envoy_response_code_class === statusClass)));
  return { status2xx: sumOf("2"), status4xx: sumOf("4"), status5xx: sumOf("5") };
}

function latelyOf(samples: readonly Sample[]): Pick<ApiMetrics, "requestsPerSecond" | "p50Ms" | "p99Ms"> {
  const buckets = samples
    .map(({ labels, value }) => ({ atMost: Number(labels.le?.replace("+Inf", "Infinity")), count: value }))
    .toSorted((a, b) => a.atMost - b.atMost);
  const p50Ms = quantileOf(buckets, 0.5);
  const p99Ms = quantileOf(buckets, 0.99);
  return {
    requestsPerSecond: buckets.at(-1)?.count ?? 0,
    ...(p50Ms !== undefined && { p50Ms }),
    ...(p99Ms !== undefined && { p99Ms }),
  };
}

const sum = (samples: readonly Sample[]): number => samples.reduce((total, { value }) => total + value, 0);
