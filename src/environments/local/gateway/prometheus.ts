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

/** The Prometheus text exposition format, version 0.0.4. */
export function renderPrometheus(apis: readonly MeteredApi[]): string {
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
    "",
  ].join("\n");
}

function family(
  name: string,
  type: "counter" | "gauge" | "histogram",
  help: string,
  apis: readonly MeteredApi[],
  linesOf: (one: MeteredApi, name: string) => string[],
): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...apis.flatMap((one) => linesOf(one, name))];
}

function countLines(one: MeteredApi, name: string): string[] {
  return [...one.meter.countsByStatus]
    .sort(([a], [b]) => a - b)
    .map(([status, count]) => `${name}{${label(one)},code="${status}",class="${Math.floor(status / 100)}xx"} ${count}`);
}

function durationLines(one: MeteredApi, name: string): string[] {
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

const label = ({ api }: MeteredApi): string =>
  `api="${api.replace(/[\\"\n]/g, (char) => (char === "\n" ? "\\n" : `\\${char}`))}"`;
