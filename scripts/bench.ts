// Runs the benchmarks of test/bench and sums them up in one table and in dist/bench.json:
// `npm run bench`, `npm run bench -- startup gateway`, `npm run bench -- --quick` to see that they work.
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { showTable } from "../test/bench/harness/program.ts";
import { type Report, readReport, toRows } from "./bench/reports.ts";
import { projectNode, projectRoot, run } from "./toolchain.mjs";

const folder = join(projectRoot, "test", "bench");
const result = join(projectRoot, "dist", "bench.json");

const { values: flags, positionals } = parseArgs({ options: { quick: { type: "boolean" } }, allowPositionals: true });
const names = await chosenBenchmarks();
let interrupted = false;
process.once("SIGINT", () => {
  interrupted = true;
});
const built = await run(projectNode(), [join(projectRoot, "scripts", "build.ts")]);
process.exitCode = built === 0 ? await runAll() : built;

async function runAll(): Promise<number> {
  const reports: Report[] = [];
  const failed: string[] = [];
  for (const name of names) {
    if (interrupted) break;
    const report = await runOne(name);
    if (report) reports.push(report);
    else failed.push(name);
    await writeFile(result, `${JSON.stringify({ benchmarks: reports }, undefined, 2)}\n`);
  }
  console.log(`\n${showTable("all benchmarks", reports.flatMap(toRows))}`);
  console.log(`written to ${result}`);
  if (failed.length > 0) console.error(`could not be measured: ${failed.join(", ")}`);
  return interrupted ? 130 : failed.length === 0 ? 0 : 1;
}

/** @returns undefined when it could not be measured */
async function runOne(name: string): Promise<Report | undefined> {
  console.error(`\n=== ${name}`);
  const file = join(folder, `${name}.ts`);
  const json = join(projectRoot, "dist", `bench-${name}.json`);
  const knowsQuick = (await readFile(file, "utf8")).includes("--quick");
  const quick = flags.quick && knowsQuick ? ["--quick"] : [];
  try {
    const status = await run(projectNode(), [file, "--json", json, ...quick]);
    return status === 0 ? await readReport(json) : undefined;
  } finally {
    await rm(json, { force: true });
  }
}

async function chosenBenchmarks(): Promise<string[]> {
  const known = (await readdir(folder)).filter((name) => name.endsWith(".ts")).map((name) => name.slice(0, -3));
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length === 0) return positionals.length > 0 ? positionals : known.sort();
  console.error(`there is no benchmark ${unknown.join(", ")}; there are ${known.sort().join(", ")}`);
  process.exit(2);
}
