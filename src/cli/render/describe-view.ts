import type { ApiState, ReplicaState } from "../../core/environment.ts";
import { apiJson, replicaCounts } from "./api-json.ts";
import { type ListedApi, latencyText, rateText } from "./api-table.ts";
import { apiTables } from "./api-views.ts";
import type { View } from "./show.ts";
import { roughBytesText } from "./spec-json.ts";
import { targetTable } from "./splitter-table.ts";
import { alignedTable, type Table } from "./table.ts";
import { ageText } from "./time.ts";

interface DescribedApi extends ListedApi {
  /** All of its environment: a splitter's APIs are among them. */
  readonly states: readonly ApiState[];
}

export function describeView(now: number): View<DescribedApi> {
  return {
    tables: (api) => apiTables([api], now, false),
    below: (api) =>
      [
        statusSection(api.state),
        ...(api.state.kind === "TrafficSplitter"
          ? [alignedTable(targetTable(api, api.states, now))]
          : [countsSection(api.state), replicasSection(api.state, now)]),
        trafficSection(api.state),
        notesSection(api.state),
      ]
        .filter((section) => section !== "")
        .map((section) => `\n${section}`)
        .join(""),
    json: ({ state }) => apiJson(state),
  };
}

function statusSection({ status, revision, serving, endpoint }: ApiState): string {
  const lines = [`revision: ${revision.number}`, `endpoint: ${endpoint}`];
  if (serving !== undefined && serving !== revision.number) lines.push(`serving: revision ${serving}`);
  if (serving === undefined) lines.push("serving: nothing yet");
  if (status.message) lines.push(`message: ${status.message.trimEnd()}`);
  return `${lines.join("\n")}\n`;
}

/** Replicas by state, as `describe` counted them before; states without a replica are left out. */
function countsSection(state: ApiState): string {
  const counts = Object.entries(replicaCounts(state)).filter(([, count]) => count > 0);
  return alignedTable([
    ["state", "count"],
    ["requested", String(state.requested)],
    ...counts.map(([key, count]) => [key.replaceAll("_", " "), String(count)]),
  ]);
}

function replicasSection({ replicas }: ApiState, now: number): string {
  return replicas.length === 0 ? "" : alignedTable(replicaTable(replicas, now));
}

function replicaTable(replicas: readonly ReplicaState[], now: number): Table {
  return [
    ["replica", "revision", "phase", "for", "restarts", "memory", "reason"],
    ...replicas.map((replica) => [
      replica.id,
      String(replica.revision),
      replica.phase,
      ageText(replica.since, now),
      String(replica.restarts),
      replica.memoryBytes === undefined ? "-" : roughBytesText(replica.memoryBytes),
      replica.reason ?? "",
    ]),
  ];
}

function trafficSection({ metrics, autoscaler }: ApiState): string {
  const lines = [
    ...(metrics
      ? [
          `traffic: ${rateText(metrics)} requests/s, p50 ${latencyText(metrics.p50Ms)}, p99 ${latencyText(metrics.p99Ms)}`,
          `answers: ${metrics.status2xx} 2xx, ${metrics.status4xx} 4xx, ${metrics.status5xx} 5xx`,
          `now: ${metrics.inFlight} in-flight, queue length ${metrics.queueLength}`,
        ]
      : []),
    ...(autoscaler ? [`autoscaling: ${autoscaler.current} of ${autoscaler.wanted} wanted; ${autoscaler.reason}`] : []),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function notesSection({ notices }: ApiState): string {
  return notices.map((notice) => `note: ${notice}\n`).join("");
}
