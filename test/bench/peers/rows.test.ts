import { expect, test } from "vitest";
import { batchingName, cortexName, type Measured, peerRows } from "./rows.ts";

const bareNames = ["def", "async def"];

function measured(name: string, one: number, many: number, mebibytes = 100): Measured {
  const round = (requestsPerSecond: number) => ({
    requestsPerSecond,
    p50Ms: 1,
    p99Ms: 2,
    residentBytes: mebibytes * 2 ** 20,
  });
  return { name, one: [round(one)], many: [round(many)] };
}

function goals(all: readonly Measured[]) {
  return peerRows(all, bareNames)
    .filter(({ goal }) => goal)
    .map(({ what, figure, met }) => [what, figure, met]);
}

test("the mark is the better form of bare FastAPI, and the best of the others, at each number of connections", () => {
  const all = [
    measured(cortexName, 1_000, 2_000, 110),
    measured(batchingName, 500, 6_300),
    measured("def", 900, 2_100),
    measured("async def", 1_100, 1_900),
    measured("slow", 100, 100),
    measured("quick", 400, 1_100),
  ];
  expect(goals(all)).toEqual([
    ["Cortex / async def, 1 connection", "0.91 x", false],
    ["Cortex / quick, 1 connection", "2.50 x", true],
    ["Cortex / def, 32 connections", "0.95 x", false],
    ["Cortex / quick, 32 connections", "1.82 x", false],
    ["Cortex, batching / def, 32 connections", "3.00 x", true],
    ["resident memory of one replica / bare FastAPI", "1.10 x (110 and 100 MiB)", true],
  ]);
});

test("a goal whose other side is missing is neither met nor missed", () => {
  const rows = peerRows([measured(cortexName, 1, 1)], bareNames);
  for (const row of rows.filter(({ goal }) => goal)) expect(row).toMatchObject({ figure: "not measured" });
  expect(rows.every(({ met }) => met === undefined)).toBe(true);
});
