// How much memory the agent holds while one API waits for requests, and while ten do.
// `node test/bench/agent-memory.ts [--json FILE] [--quick]`
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { projectNode } from "../../scripts/toolchain.mjs";
import { speaking, spec } from "../conformance/handlers.ts";
import { cortexHome, mustRun } from "./harness/cortex-home.ts";
import { processBytes } from "./harness/memory.ts";
import { benchmark, type Row } from "./harness/program.ts";
import { interleave, median, pairedDifferences, showSummary } from "./harness/stats.ts";

const mebibyte = 2 ** 20;
/** So long after a deploy it is looked at, in milliseconds. */
const settledMs = 4_000;
/** MiB: with one API of all of it (80 MB), with ten of what is above a Node that does nothing. */
const goals = { one: 76, tenAboveBare: 100 };

await benchmark("agent memory", async ({ quick, signal, say }) => {
  await using home = await cortexHome();
  await using bare = await bareNode();
  const rounds = quick ? 5 : 20;
  const look = async (pid: number) => {
    await wait(500, undefined, { signal });
    return processBytes(pid) / mebibyte;
  };
  const measure = async (apis: number) => {
    say(`deploying ${apis} APIs`);
    const names = Array.from({ length: apis }, (_, index) => `model-${index}`);
    const project = await home.project({
      "cortex.yaml": names.map((name) => spec(name)).join(""),
      "handler.py": speaking("hello"),
    });
    await mustRun(home, ["deploy", project]);
    const agent = await home.agentPid();
    if (agent === undefined) throw new Error("the agent is not running");
    await wait(settledMs, undefined, { signal });
    say(`looking ${rounds} times, once a second`);
    return interleave(rounds, { agent: () => look(agent), bare: () => look(bare.pid) }, signal);
  };
  const one = await measure(1);
  const ten = await measure(10);
  const above = pairedDifferences(ten.agent, ten.bare);
  const held = (what: string, data: readonly number[], goal?: number): Row => ({
    what,
    figure: `${showSummary(data)} MiB`,
    ...(goal !== undefined && { goal: `at most ${goal} MiB`, met: median(data) <= goal }),
    data,
  });
  return [
    held("bare Node", one.bare),
    held("agent, 1 API, idle", one.agent, goals.one),
    held("agent, 10 APIs, idle", ten.agent),
    held("agent, 10 APIs, above bare Node", above, goals.tenAboveBare),
  ];
});

/** A Node that does nothing but wait. */
async function bareNode(): Promise<AsyncDisposable & { pid: number }> {
  const script = "process.stdout.write('.'); setInterval(() => {}, 1e6)";
  const child = spawn(projectNode(), ["-e", script], { detached: true, stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return {
    pid: child.pid!,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}
