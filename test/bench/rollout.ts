// Whether requests are lost while replicas are replaced, under a steady load. `node test/bench/rollout.ts [--json FILE] [--quick]`
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { spec } from "../conformance/handlers.ts";
import type { Bench } from "../support/cortex.ts";
import { type LoadFailure, type LoadReport, runLoad } from "../support/load.ts";
import { cortexHome, mustRun, replicaPids } from "./harness/cortex-home.ts";
import { benchmark, type Row, type Run } from "./harness/program.ts";
import { quantile } from "./harness/stats.ts";

const api = "steady";
const ratePerSecond = 200;
const connections = 32;

/** Takes a while, so that there is mostly a request in the replica that something happens to. */
const handler = (text: string, ms: number) => `import time

class PythonPredictor:
    def __init__(self, config):
        pass

    def predict(self, payload):
        time.sleep(${ms / 1_000})
        return ${JSON.stringify(text)}
`;

interface Scenario {
  readonly what: string;
  /** What is done to the API while it is under load. */
  act?(context: { home: Bench; project: string; turn: number }): Promise<unknown>;
  /** Done once; otherwise again and again as long as the load lasts. */
  readonly once?: boolean;
  readonly replicas: number;
  /** How long the handler takes, at least. */
  readonly handlerMs: number;
  /** Undefined: no failure is allowed. */
  readonly allows?: (failure: LoadFailure) => boolean;
}

const scenarios: readonly Scenario[] = [
  { what: "nothing happens", replicas: 1, handlerMs: 2 },
  {
    what: "rolling updates",
    replicas: 1,
    handlerMs: 2,
    act: async ({ home, project, turn }) => {
      await writeFile(join(project, "handler.py"), handler(`text ${turn + 1}`, 2));
      await mustRun(home, ["deploy", project]);
    },
  },
  {
    what: "rollbacks",
    replicas: 1,
    handlerMs: 2,
    act: ({ home }) => mustRun(home, ["rollback", api, "-y"]),
  },
  {
    what: "refreshes",
    replicas: 1,
    handlerMs: 2,
    act: ({ home }) => mustRun(home, ["refresh", api]),
  },
  {
    what: "one of two replicas killed",
    replicas: 2,
    handlerMs: 6,
    once: true,
    act: async ({ home }) => {
      const [pid] = await replicaPids(home, api);
      process.kill(pid!, "SIGKILL");
    },
    allows: isJson502,
  },
];

await benchmark("rollout", async (run) => {
  const rows: Row[] = [];
  for (const scenario of scenarios) rows.push(await measure(scenario, run));
  return rows;
});

async function measure(scenario: Scenario, { quick, signal, say }: Run): Promise<Row> {
  const durationMs = quick ? 6_000 : 20_000;
  say(`${scenario.what}, ${ratePerSecond} requests/s for ${durationMs / 1_000} s`);
  await using home = await cortexHome();
  const count = scenario.replicas;
  const configuration = spec(
    api,
    `  autoscaling: {min_replicas: ${count}, init_replicas: ${count}, max_replicas: ${count}}\n`,
  );
  const project = await home.project({
    "cortex.yaml": configuration,
    "handler.py": handler("text 0", scenario.handlerMs),
  });
  await mustRun(home, ["deploy", project]);
  // A second revision, so that there is one to roll back to.
  await writeFile(join(project, "handler.py"), handler("text 1", scenario.handlerMs));
  await mustRun(home, ["deploy", project]);

  const url = `http://127.0.0.1:${home.port}/${api}`;
  const load = runLoad({ url, ratePerSecond, durationMs, body: "1", connections, until: signal });
  const acts = actWhile(scenario, { home, project }, durationMs, signal);
  const [report, times] = await Promise.all([load, acts]);
  signal.throwIfAborted();
  return row(scenario, report, times);
}

/** @returns how often it acted */
async function actWhile(
  { act, once }: Scenario,
  context: { home: Bench; project: string },
  durationMs: number,
  signal: AbortSignal,
): Promise<number> {
  if (!act) return 0;
  const endsAt = performance.now() + durationMs;
  // The last one has to be over before the load is.
  const lastStartAt = endsAt - 3_000;
  let turn = 0;
  do {
    await wait(1_000, undefined, { signal });
    turn += 1;
    await act({ ...context, turn });
  } while (!once && performance.now() + 1_000 < lastStartAt);
  return turn;
}

function row({ what, allows }: Scenario, report: LoadReport, times: number): Row {
  const lost = report.failures.filter((failure) => !allows?.(failure));
  const allowed = report.failures.length - lost.length;
  const at = (share: number) => `${quantile(report.latenciesMs, share).toFixed(1)} ms`;
  const counts = `${lost.length} of ${report.sent} requests lost${allows ? `, ${allowed} answered 502` : ""}`;
  return {
    what: times > 1 ? `${what}, ${times} of them` : what,
    figure: `${counts}, p50 ${at(0.5)}, p99 ${at(0.99)}, slowest ${at(1)}`,
    goal: allows ? "only JSON 502s" : "none lost",
    met: lost.length === 0,
    ...(lost[0] && { note: `${what}: the first that was lost: ${JSON.stringify(lost[0])}` }),
    data: { sent: report.sent, ok: report.ok, failures: report.failures, times },
  };
}

/** What a client gets whose request was in a replica that ended. */
function isJson502({ status, error, body }: LoadFailure): boolean {
  if (status !== 502 || error !== undefined) return false;
  try {
    return typeof JSON.parse(body ?? "") === "object";
  } catch {
    return false;
  }
}
