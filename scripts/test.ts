// Runs everything that is tested and says what came of it: `npm test`, or a part by name: `npm test -- --only unit,python`.
// Every part runs, also after another has failed. The very last line is `N passed, N failed`.
// CORTEX_TEST_OUTCOMES names a file that several runs share: each sums up those before it, too, and fails when one of them has.
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { missing, type Outcome, onRequest, type Part, parts, stages } from "./test/parts.ts";
import { summaryLines } from "./test/summary.ts";
import { run } from "./toolchain.mjs";

/** A part that hangs fails; none takes half of it on two cores. */
const longestPartMs = 15 * 60_000;

const everyPart = [...parts, ...onRequest];
const chosen = choose(process.argv.slice(2));
const problem = chosen.some(({ group }) => group === "tests") ? missing() : undefined;
if (problem) {
  console.error(`error: ${problem}`);
  process.exit(1);
}
const reports = await mkdtemp(join(tmpdir(), "cortex-reports-"));
let interrupted = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    interrupted = true;
  });
}
try {
  const outcomes: Outcome[] = [];
  for (const stage of [...stages, [onRequest]]) {
    const lanes = stage.map((lane) => lane.filter((part) => chosen.includes(part))).filter((lane) => lane.length > 0);
    const runLane = async (lane: readonly Part[]) => {
      for (const part of lane) if (!interrupted) outcomes.push(await runPart(part, lanes.length > 1));
    };
    await Promise.all(lanes.map(runLane));
  }
  const place = ({ part }: Outcome) => everyPart.findIndex(({ name }) => name === part.name);
  outcomes.sort((one, other) => place(one) - place(other));
  const all = await withEarlier(outcomes);
  for (const line of summaryLines(all)) console.log(line);
  const isClean = all.every(({ status, counts }) => status === 0 && counts.failed === 0);
  process.exitCode = interrupted ? 130 : isClean ? 0 : 1;
} finally {
  await rm(reports, { recursive: true, force: true });
}

/** @returns these after the outcomes of earlier runs, which are kept for later ones */
async function withEarlier(outcomes: readonly Outcome[]): Promise<readonly Outcome[]> {
  const { CORTEX_TEST_OUTCOMES: file } = process.env;
  if (!file) return outcomes;
  const earlier = JSON.parse((await readFile(file, "utf8").catch(() => "")) || "[]") as readonly Outcome[];
  const all = [...earlier, ...outcomes.map((one) => ({ ...one, part: { name: one.part.name } }))];
  await writeFile(file, JSON.stringify(all));
  return all;
}

/** @param isBeside whether others run at the same time: what it says is then kept together, and comes when it has ended */
async function runPart(part: Part, isBeside: boolean): Promise<Outcome> {
  const title = `\n=== ${part.name}: ${part.what}`;
  const startedAt = performance.now();
  const report = join(reports, `${part.name}.report`);
  const said = isBeside ? join(reports, `${part.name}.log`) : undefined;
  if (!said) console.log(title);
  const status = await runTold(part, report, said);
  if (said) process.stdout.write(`${title}\n${await readFile(said, "utf8")}`);
  const counts = await part.count(report, status);
  return { part, status, counts, tookMs: performance.now() - startedAt };
}

/** @param said a file to write what it says to; undefined: it speaks for itself */
async function runTold(part: Part, report: string, said: string | undefined): Promise<number> {
  const [program, ...args] = part.command(report);
  const file = said === undefined ? undefined : await open(said, "w");
  try {
    return await run(program, args, {
      timeout: part.longestMs ?? longestPartMs,
      killSignal: "SIGKILL",
      // What keeps a time of its own makes room for what runs beside it and waits for pods and processes.
      niceness: part.keepsOwnTime ? 10 : 0,
      stdio: file ? ["ignore", file.fd, file.fd] : "inherit",
    });
  } catch (error) {
    console.error(`${program}: ${(error as Error).message}`);
    return 127;
  } finally {
    await file?.close();
  }
}

function choose(args: readonly string[]): readonly Part[] {
  if (args.length === 0) return parts;
  const [flag, names = ""] = args;
  const wanted = names.split(",");
  const found = everyPart.filter(
    (part) => wanted.includes(part.name) || (parts.includes(part) && wanted.includes(part.group)),
  );
  if (flag === "--only" && found.length > 0) return found;
  const known = [...new Set(everyPart.flatMap(({ name, group }) => [group, name]))].join(", ");
  console.error(`usage: npm test -- --only NAME[,NAME...]\nnames: ${known}`);
  process.exit(2);
}
