import { durationBoundsMs, type Meter } from "./meter.ts";

/** One API as `/metrics` shows it. */
export interface MeteredApi {
  /** Empty for requests that no API got. */
  readonly api: string;
  readonly meter: Meter;
  readonly inFlight: number;
  readonly queueLength: number;
  readonly replicasReady: number;
}

/** A TrafficSplitter as `/metrics` shows it: its requests are counted at its APIs, too, so they have names of their own. */
export interface MeteredSplit {
  readonly splitter: string;
  readonly meter: Meter;
  readonly copied: number;
  readonly notCopied: number;
}

/** The Prometheus text exposition format, version 0.0.4. */
export function renderPrometheus(apis: readonly MeteredApi[], splits: readonly MeteredSplit[]): string {
  const served = apis.filter(({ api }) => api !== "");
  return [
    ...family(
      "cortex_requests_total",
      "counter",
      "Requests answered, by status code; 499: the client hung up.",
      apis,
      countLines,
    ),
    ...family(
      "cortex_request_duration_seconds",
      "histogram",
      "From a request's head to the end of its answer.",
      apis,
      durationLines,
    ),
    ...family("cortex_request_bytes_total", "counter", "Bytes of request bodies.", apis, (one, name) => [
      `${name}{${label(one)}} ${one.meter.bytesIn}`,
    ]),
    ...family("cortex_response_bytes_total", "counter", "Bytes of response bodies.", apis, (one, name) => [
      `${name}{${label(one)}} ${one.meter.bytesOut}`,
    ]),
    ...family("cortex_in_flight_requests", "gauge", "Requests that replicas hold now.", served, (one, name) => [
      `${name}{${label(one)}} ${one.inFlight}`,
    ]),
    ...family("cortex_queue_length", "gauge", "Requests that wait in the gateway now.", served, (one, name) => [
      `${name}{${label(one)}} ${one.queueLength}`,
    ]),
    ...family("cortex_replicas_ready", "gauge", "Replicas that take requests now.", served, (one, name) => [
      `${name}{${label(one)}} ${one.replicasReady}`,
    ]),
    ...(splits.length > 0 ? splitFamilies(splits) : []),
    "",
  ].join("\n");
}

function splitFamilies(splits: readonly MeteredSplit[]): string[] {
  return [
    ...family(
      "cortex_splitter_requests_total",
      "counter",
      "Requests to a TrafficSplitter, by status code; they count for its APIs, too.",
      splits,
      countLines,
    ),
    ...family(
      "cortex_splitter_request_duration_seconds",
      "histogram",
      "From a request's head to the end of its answer.",
      splits,
      durationLines,
    ),
    ...family(
      "cortex_splitter_copies_total",
      "counter",
      "Requests that were copied for a shadow, or not: too large a body, or too many copies.",
      splits,
      (one, name) => [
        `${name}{${label(one)},copied="true"} ${one.copied}`,
        `${name}{${label(one)},copied="false"} ${one.notCopied}`,
      ],
    ),
  ];
}

function family<T extends MeteredApi | MeteredSplit>(
  name: string,
  type: "counter" | "gauge" | "histogram",
  help: string,
  apis: readonly T[],
  linesOf: (one: T, name: string) => string[],
): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...apis.flatMap((one) => linesOf(one, name))];
}

function countLines(one: MeteredApi | MeteredSplit, name: string): string[] {
  return [...one.meter.countsByStatus]
    .sort(([a], [b]) => a - b)
    .map(([status, count]) => `${name}{${label(one)},code="${status}",class="${Math.floor(status / 100)}xx"} ${count}`);
}

function durationLines(one: MeteredApi | MeteredSplit, name: string): string[] {
  let total = 0;
  const lines = [...one.meter.durationCounts].map((count, i) => {
    total += count;
    const bound = durationBoundsMs[i];
    return `${name}_bucket{${label(one)},le="${bound === undefined ? "+Inf" : bound / 1000}"} ${total}`;
  });
  return [
    ...lines,
    `${name}_sum{${label(one)}} ${one.meter.durationSumMs / 1000}`,
    `${name}_count{${label(one)}} ${total}`,
  ];
}

function label(one: MeteredApi | MeteredSplit): string {
  const [key, name] = "api" in one ? ["api", one.api] : ["splitter", one.splitter];
  return `${key}="${name.replace(/[\\"\n]/g, (char) => (char === "\n" ? "\\n" : `\\${char}`))}"`;
}
