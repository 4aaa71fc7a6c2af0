// How long a deploy takes until the API answers. `node test/bench/deploy.ts [--json FILE] [--quick]`
import { writeFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { spec } from "../conformance/handlers.ts";
import type { Bench } from "../support/cortex.ts";
import { builtCommand, cortexHome, homeVariables, mustRun, untilAgentEnded } from "./harness/cortex-home.ts";
import { benchmark, type Row, type Run } from "./harness/program.ts";
import { median, pairedDifferences, showSummary } from "./harness/stats.ts";
import { type TimedCommand, timeCommands } from "./harness/timed-commands.ts";

/** Says which text it was deployed with, and where its interpreter finds the runtime's packages. */
const handler = (text: string) => `import sys

class PythonPredictor:
    def __init__(self, config):
        pass

    def predict(self, payload):
        return {"text": ${JSON.stringify(text)}, "python": sys.executable, "path": sys.path}
`;

interface Answer {
  readonly text: string;
  readonly python: string;
  readonly path: readonly string[];
}

interface Times {
  readonly importMs: number;
  readonly firstMs: number;
  readonly againMs: number;
}

await benchmark("deploy", async (run) => {
  await using home = await cortexHome();
  run.say("the first deploy of all, which makes the virtual environment");
  const made = await timedDeploy(home, "made", await projectOf(home, "made"), "one", run.signal);
  const pythonImport = importCommand(made.answer);

  const times: Times[] = [];
  const rounds = run.quick ? 2 : 9;
  for (let round = 1; round <= rounds; round += 1) {
    run.say(`round ${round} of ${rounds}`);
    times.push(await measureRound(home, `model-${round}`, pythonImport, run));
  }
  const { upToDate, version } = await measureUnchanged(home, run);
  const imports = times.map(({ importMs }) => importMs);
  const first = times.map(({ firstMs }) => firstMs);
  const again = times.map(({ againMs }) => againMs);
  return [
    { what: "first deploy of all, environment made", figure: `${made.ms.toFixed(0)} ms`, data: made.ms },
    figureRow('python -c "import uvicorn, starlette"', imports),
    figureRow("first deploy to first 200", first),
    figureRow("deploy of a code change to first 200", again),
    aboveRow("first deploy above the import", pairedDifferences(first, imports), 1_000),
    aboveRow("code change above the import", pairedDifferences(again, imports), 1_000),
    figureRow("deploy, is up to date", upToDate),
    aboveRow("is up to date above --version", pairedDifferences(upToDate, version), 150),
  ];
});

/** Deploys an API that was not there, with no agent running, then changes its code; leaves nothing deployed. */
async function measureRound(home: Bench, name: string, pythonImport: TimedCommand, { signal }: Run): Promise<Times> {
  await mustRun(home, ["delete", "--all", "-f", "--keep-cache"]);
  await untilAgentEnded(home, 30_000, signal);
  const { python } = await timeCommands({ python: pythonImport }, 1, signal);
  const project = await projectOf(home, name);
  const first = await timedDeploy(home, name, project, "one", signal);
  const again = await timedDeploy(home, name, project, "two", signal);
  return { importMs: python.wallMs[0]!, firstMs: first.ms, againMs: again.ms };
}

async function measureUnchanged(home: Bench, { quick, signal, say }: Run) {
  say("deploying what is up to date");
  const project = await projectOf(home, "unchanged");
  await timedDeploy(home, "unchanged", project, "one", signal);
  const env = homeVariables(home);
  const said = await mustRun(home, ["deploy", project]);
  if (!`${said.stdout}${said.stderr}`.includes("is up to date")) throw new Error(`deploy said ${said.stdout}`);
  const commands = {
    upToDate: { argv: [builtCommand(), "deploy", project], env },
    version: { argv: [builtCommand(), "--version"], env },
  };
  const timed = await timeCommands(commands, quick ? 5 : 30, signal);
  return { upToDate: timed.upToDate.wallMs, version: timed.version.wallMs };
}

function projectOf(home: Bench, name: string): Promise<string> {
  return home.project({ "cortex.yaml": spec(name) }, name);
}

/** @returns milliseconds from the start of the command until the API answers with `text` */
async function timedDeploy(home: Bench, name: string, project: string, text: string, signal: AbortSignal) {
  await writeFile(join(project, "handler.py"), handler(text));
  const stop = new AbortController();
  const startedAt = performance.now();
  const deployed = mustRun(home, ["deploy", project, "-o", "json"]).catch((error: unknown) => {
    stop.abort();
    throw error;
  });
  const answered = firstAnswer(`http://127.0.0.1:${home.port}/${name}`, text, AbortSignal.any([signal, stop.signal]));
  const timed = answered.then((answer) => ({ answer, ms: performance.now() - startedAt }));
  const [, result] = await Promise.all([deployed, timed]);
  return result;
}

/** Asks again and again, seldom enough to leave the processor to the deploy. */
async function firstAnswer(url: string, wanted: string, signal: AbortSignal): Promise<Answer> {
  for (;;) {
    signal.throwIfAborted();
    const answer = await ask(url, signal).catch(() => undefined);
    if (answer?.text === wanted) return answer;
    await wait(5, undefined, { signal });
  }
}

/** @returns undefined for what is not a 200 */
async function ask(url: string, signal: AbortSignal): Promise<Answer | undefined> {
  const agent = new Agent({ keepAlive: false });
  const headers = { "content-type": "application/json" };
  const { status, body } = await new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
    const outgoing = request(url, { method: "POST", headers, agent, signal }, (answer) => {
      text(answer).then((body) => resolve({ status: answer.statusCode, body }), reject);
    });
    outgoing.on("error", reject).end("1");
  });
  return status === 200 ? (JSON.parse(body) as Answer) : undefined;
}

/** The interpreter of the replica, with the packages that it found there. */
function importCommand({ python, path }: Answer): TimedCommand {
  const folders = path.filter((folder) => folder.startsWith("/")).join(":");
  const env = { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "/", PYTHONPATH: folders };
  return { argv: [python, "-c", "import uvicorn, starlette"], env };
}

function figureRow(what: string, ms: readonly number[]): Row {
  return { what, figure: `${showSummary(ms)} ms`, data: ms };
}

function aboveRow(what: string, ms: readonly number[], goalMs: number): Row {
  return { ...figureRow(what, ms), goal: `under ${goalMs} ms`, met: median(ms) < goalMs };
}
