import type { ApiState } from "../../core/environment.ts";
import { countText, type ListedApi, latencyText, rateText, statusText } from "./api-table.ts";
import type { Table } from "./table.ts";
import { ageText } from "./time.ts";

/** TrafficSplitters by themselves: they have no replicas to show. */
export function splitterTable(splitters: readonly ListedApi[], now: number, isWide: boolean): Table {
  const wide = ["p50", "p99", "2xx", "4xx", "5xx", "revision"];
  return [
    ["env", "traffic splitter", "status", "apis", "last update", "requests/s", ...(isWide ? wide : [])],
    ...splitters.map(({ env, state }) => [
      env,
      state.name,
      statusText(state.status.code),
      String(targetsIn(state).length),
      ageText(state.revision.createdAt, now),
      rateText(state.metrics),
      ...(isWide ? wideCells(state) : []),
    ]),
  ];
}

/** The APIs of one TrafficSplitter, each as it is now. @param states all of its environment */
export function targetTable({ env, state }: ListedApi, states: readonly ApiState[], now: number): Table {
  return [
    ["env", "apis", "weights", "live", "up-to-date", "last update"],
    ...targetsIn(state).map(({ name, weight, shadow }) => {
      const target = states.find((one) => one.name === name);
      return [
        env,
        shadow ? `${name} (shadow)` : name,
        String(weight),
        ...(target
          ? [`${target.ready}/${target.requested}`, String(target.upToDate), ageText(target.revision.createdAt, now)]
          : ["not deployed", "-", "-"]),
      ];
    }),
  ];
}

function targetsIn({ revision: { spec } }: ApiState) {
  return spec.kind === "TrafficSplitter" ? spec.apis : [];
}

function wideCells({ metrics, revision }: ApiState): readonly string[] {
  return [
    latencyText(metrics?.p50Ms),
    latencyText(metrics?.p99Ms),
    countText(metrics?.status2xx),
    countText(metrics?.status4xx),
    countText(metrics?.status5xx),
    String(revision.number),
  ];
}
