import type { ApiMetrics, ApiState, StatusCode } from "../../core/environment.ts";
import type { ApiKind } from "../../spec/api.ts";
import { replicaCounts } from "./api-json.ts";
import type { Table } from "./table.ts";
import { ageText } from "./time.ts";

/** An API and the environment that it was found in. */
export interface ListedApi {
  readonly env: string;
  readonly state: ApiState;
}

const kindTitles: Readonly<Record<ApiKind, string>> = {
  RealtimeAPI: "realtime api",
  AsyncAPI: "async api",
  BatchAPI: "batch api",
  TaskAPI: "task api",
  TrafficSplitter: "traffic splitter",
};

/** Cortex 0.42's columns, and what an API is doing and how much; one table for all kinds with replicas. */
export function apiTable(apis: readonly ListedApi[], now: number): Table {
  return [
    ["env", nameTitle(apis), "status", "live", "up-to-date", "last update", "requests/s"],
    ...apis.map((api) => apiRow(api, now)),
  ];
}

export function wideApiTable(apis: readonly ListedApi[], now: number): Table {
  const [header = [], ...rows] = apiTable(apis, now);
  return [
    [...header, "p50", "p99", "2xx", "4xx", "5xx", "replicas", "revision"],
    ...rows.map((row, index) => [...row, ...wideCells(apis[index]!.state)]),
  ];
}

function nameTitle(apis: readonly ListedApi[]): string {
  const kinds = new Set(apis.map(({ state }) => state.kind));
  return kinds.size > 1 ? "api" : kindTitles[[...kinds][0] ?? "RealtimeAPI"];
}

function apiRow({ env, state }: ListedApi, now: number): readonly string[] {
  return [
    env,
    state.name,
    statusText(state.status.code),
    `${state.ready}/${state.requested}`,
    String(state.upToDate),
    ageText(state.revision.createdAt, now),
    rateText(state.metrics),
  ];
}

function wideCells(state: ApiState): readonly string[] {
  const { metrics, revision, serving } = state;
  return [
    latencyText(metrics?.p50Ms),
    latencyText(metrics?.p99Ms),
    countText(metrics?.status2xx),
    countText(metrics?.status4xx),
    countText(metrics?.status5xx),
    countsText(state),
    serving !== undefined && serving !== revision.number
      ? `${revision.number} (${serving} serves)`
      : `${revision.number}`,
  ];
}

/** `status_error_oom` as a person says it. */
export function statusText(code: StatusCode): string {
  const texts: Readonly<Record<StatusCode, string>> = {
    status_live: "live",
    status_updating: "updating",
    status_error: "error",
    status_error_oom: "error (out of memory)",
    status_compute_unavailable: "compute unavailable",
    status_unknown: "unknown",
  };
  return texts[code];
}

/** Replicas by state, those states that have none left out: `2 ready, 1 not ready`. */
export function countsText(state: ApiState): string {
  const counts = Object.entries(replicaCounts(state)).filter(([, count]) => count > 0);
  return counts.length === 0 ? "none" : counts.map(([key, count]) => `${count} ${key.replaceAll("_", " ")}`).join(", ");
}

export function rateText(metrics: ApiMetrics | undefined): string {
  if (!metrics) return "-";
  const rate = metrics.requestsPerSecond;
  return rate >= 100 || rate === 0 ? String(Math.round(rate)) : rate.toFixed(rate >= 10 ? 1 : 2);
}

export function latencyText(ms: number | undefined): string {
  if (ms === undefined) return "-";
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(2)} s`;
  return `${ms >= 100 ? Math.round(ms) : ms.toFixed(1)} ms`;
}

export function countText(count: number | undefined): string {
  return count === undefined ? "-" : String(count);
}
