import type { ApiState, Revision } from "../../core/environment.ts";
import type { ErrorJson } from "../../core/errors.ts";
import { apiJson } from "./api-json.ts";
import { apiTable, type ListedApi, wideApiTable } from "./api-table.ts";
import { endpointText } from "./endpoint-text.ts";
import { historyTable } from "./history-table.ts";
import type { View } from "./show.ts";
import { specJson } from "./spec-json.ts";
import { splitterTable, targetTable } from "./splitter-table.ts";
import { alignedTable, type Table } from "./table.ts";

const nothingDeployed = "no apis are deployed";

/** One for what has replicas, one for splitters; at least one. */
export function apiTables(apis: readonly ListedApi[], now: number, isWide: boolean): readonly Table[] {
  const splitters = apis.filter(({ state }) => state.kind === "TrafficSplitter");
  const others = apis.filter(({ state }) => state.kind !== "TrafficSplitter");
  return [
    ...(others.length > 0 || splitters.length === 0 ? [(isWide ? wideApiTable : apiTable)(others, now)] : []),
    ...(splitters.length > 0 ? [splitterTable(splitters, now, isWide)] : []),
  ];
}

export function apisView(now: number): View<readonly ListedApi[]> {
  return {
    tables: (apis, isWide) => apiTables(apis, now, isWide),
    json: (apis) => apis.map(({ state }) => apiJson(state)),
    names: (apis) => apis.map(({ state }) => state.name),
    empty: nothingDeployed,
  };
}

/** What one environment answered, or why it did not. */
export interface EnvironmentApis {
  readonly env_name: string;
  readonly states: readonly ApiState[];
  readonly error?: ErrorJson;
}

export function allApisView(now: number): View<readonly EnvironmentApis[]> {
  const flat = (all: readonly EnvironmentApis[]) =>
    all.flatMap(({ env_name, states }) => states.map((state) => ({ env: env_name, state })));
  return {
    tables: (all, isWide) => apiTables(flat(all), now, isWide),
    json: (all) =>
      all.map(({ env_name, states, error }) => ({
        env_name,
        apis: states.map((state) => apiJson(state)),
        error: error?.message ?? "",
        ...(error && { error_code: error.code }),
      })),
    names: (all) => flat(all).map(({ state }) => state.name),
    empty: nothingDeployed,
  };
}

export interface ApiDetail extends ListedApi {
  /** All of its environment: a splitter's APIs are among them. */
  readonly states: readonly ApiState[];
  readonly history: readonly Revision[];
}

export function apiDetailView(now: number, withConfiguration: boolean): View<ApiDetail> {
  return {
    tables: (detail, isWide) =>
      detail.state.kind === "TrafficSplitter"
        ? [targetTable(detail, detail.states, now)]
        : apiTables([detail], now, isWide),
    below: async (detail) => (await sections(detail, now, withConfiguration)).map((section) => `\n${section}`).join(""),
    json: ({ state, history }) => [apiJson(state, history)],
    names: ({ state }) => [state.name],
  };
}

async function sections({ state, history }: ApiDetail, now: number, withConfiguration: boolean): Promise<string[]> {
  const { endpoint, status, notices } = state;
  const configuration = withConfiguration ? await configurationText(state) : undefined;
  return [
    ...(status.message ? [`${status.message.trimEnd()}\n`] : []),
    endpointText(endpoint),
    ...(notices.length > 0 ? [notices.map((notice) => `note: ${notice}\n`).join("")] : []),
    ...(history.length > 0 ? [alignedTable(historyTable(history, state, now))] : []),
    ...(configuration === undefined ? [] : [`configuration:\n${configuration}`]),
  ];
}

async function configurationText({ revision }: ApiState): Promise<string> {
  const { stringify } = await import("yaml");
  return stringify([specJson(revision.spec, "file")], { aliasDuplicateObjects: false });
}
