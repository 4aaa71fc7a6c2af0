// How much memory the agent holds while ten APIs wait for requests. `node test/bench/agent-memory.ts [--json FILE] [--quick]`
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { projectNode } from "../../scripts/toolchain.mjs";
import { speaking, spec } from "../conformance/handlers.ts";
import { cortexHome, mustRun } from "./harness/cortex-home.ts";
import { processBytes } from "./harness/memory.ts";
import { benchmark, type Row } from "./harness/program.ts";
import { interleave, median, pairedDifferences, showSummary } from "./harness/stats.ts";

const apis = 10;
const mebibyte = 2 ** 20;
const goalMiB = 100;

await benchmark("agent memory", async ({ quick, signal, say }) => {
  await using home = await cortexHome();
  const names = Array.from({ length: apis }, (_, index) => `model-${index}`);
  const project = await home.project({
    "cortex.yaml": names.map((name) => spec(name)).join(""),
    "handler.py": speaking("hello"),
  });
  say(`deploying ${apis} APIs`);
  await mustRun(home, ["deploy", project]);
  const agent = await home.agentPid();
  if (agent === undefined) throw new Error("the agent is not running");
  await using bare = await bareNode();

  const rounds = quick ? 5 : 20;
  say(`looking ${rounds} times, once a second`);
  const look = async (pid: number) => {
    await wait(500, undefined, { signal });
    return processBytes(pid) / mebibyte;
  };
  const measured = await interleave(rounds, { agent: () => look(agent), bare: () => look(bare.pid) }, signal);
  const above = pairedDifferences(measured.agent, measured.bare);
  const rows: Row[] = [
    { what: "bare Node", figure: `${showSummary(measured.bare)} MiB`, data: measured.bare },
    { what: `agent, ${apis} APIs, idle`, figure: `${showSummary(measured.agent)} MiB`, data: measured.agent },
    {
      what: "agent above bare Node",
      figure: `${showSummary(above)} MiB`,
      goal: `at most ${goalMiB} MiB`,
      met: median(above) <= goalMiB,
      data: above,
    },
  ];
  return rows;
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
