import type { Row } from "../harness/program.ts";
import { median, pairedRatios, showSummary } from "../harness/stats.ts";
import type { WrkResult } from "../harness/wrk.ts";

type Round = WrkResult & { readonly residentBytes: number };

/** One server over all rounds, with one connection and with many. */
export interface Measured {
  readonly name: string;
  readonly one: readonly Round[];
  readonly many: readonly Round[];
}

type Load = "one" | "many";

export const cortexName = "Cortex";
export const batchingName = "Cortex, batching";
/** The replica without its gateway. */
export const directName = "Cortex's replica, directly";
const ourNames = [cortexName, batchingName, directName];
const loads: readonly (readonly [Load, string])[] = [
  ["one", "1 connection"],
  ["many", "32 connections"],
];

/** What was measured, side by side, and then the goals. @param bareNames the forms of bare FastAPI */
export function peerRows(measured: readonly Measured[], bareNames: readonly string[]): Row[] {
  const find = (name: string) => measured.find((one) => one.name === name);
  const isBare = ({ name }: Measured) => bareNames.includes(name);
  const bare = measured.filter(isBare);
  const others = measured.filter((one) => !isBare(one) && !ourNames.includes(one.name));
  const side = loads.flatMap(([load, label]) => measured.map((one) => figureRow(one, load, label)));
  const goals = loads.flatMap(([load, label]) => [
    speedRow(find(cortexName), fastest(bare, load), load, label, 1),
    speedRow(find(cortexName), fastest(others, load), load, label, 2),
  ]);
  const direct = find(directName);
  const gateway = direct ? [speedRow(find(cortexName), direct, "many", "32 connections", 0.95)] : [];
  const batching = speedRow(find(batchingName), fastest(bare, "many"), "many", "32 connections", 3);
  return [...side, ...gateway, ...goals, batching, memoryRow(find(cortexName), fastest(bare, "many"))];
}

function figureRow(server: Measured, load: Load, label: string): Row {
  const at = (key: "p50Ms" | "p99Ms") => median(server[load].map((round) => round[key])).toFixed(2);
  return {
    what: `${server.name}, ${label}`,
    figure: `${showSummary(speeds(server, load))} requests/s, p50 ${at("p50Ms")} ms, p99 ${at("p99Ms")} ms`,
    data: server[load],
  };
}

function speeds(server: Measured, load: Load): number[] {
  return server[load].map(({ requestsPerSecond }) => requestsPerSecond);
}

function fastest(servers: readonly Measured[], load: Load): Measured | undefined {
  const speed = (server: Measured) => median(speeds(server, load));
  return servers.toSorted((one, other) => speed(other) - speed(one))[0];
}

function speedRow(
  ours: Measured | undefined,
  theirs: Measured | undefined,
  load: Load,
  label: string,
  goal: number,
): Row {
  const what = `${ours?.name ?? "Cortex"} / ${theirs?.name ?? "another server"}, ${label}`;
  if (!ours || !theirs) return { what, figure: "not measured", goal: `at least ${goal}x` };
  const ratios = pairedRatios(speeds(ours, load), speeds(theirs, load));
  return {
    what,
    figure: `${showSummary(ratios, 2)} x`,
    goal: `at least ${goal}x`,
    met: median(ratios) >= goal,
    data: ratios,
  };
}

function memoryRow(ours: Measured | undefined, bare: Measured | undefined): Row {
  const what = "resident memory of one replica / bare FastAPI";
  const goal = "at most 1.1x";
  if (!ours || !bare) return { what, figure: "not measured", goal };
  const sizes = ({ many }: Measured) => many.map(({ residentBytes }) => residentBytes);
  const ratios = pairedRatios(sizes(ours), sizes(bare));
  const inMiB = (one: Measured) => (median(sizes(one)) / 2 ** 20).toFixed(0);
  return {
    what,
    figure: `${showSummary(ratios, 2)} x (${inMiB(ours)} and ${inMiB(bare)} MiB)`,
    goal,
    met: median(ratios) <= 1.1,
    data: { ours: sizes(ours), bare: sizes(bare) },
  };
}
