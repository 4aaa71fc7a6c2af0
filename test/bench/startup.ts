// How long the command takes to start: against the same Node that runs nothing. `node test/bench/startup.ts [--json FILE] [--quick]`
import { projectNode } from "../../scripts/toolchain.mjs";
import { speaking, spec } from "../conformance/handlers.ts";
import { builtCommand, cortexHome, homeVariables, mustRun } from "./harness/cortex-home.ts";
import { benchmark, type Row } from "./harness/program.ts";
import { median, pairedRatios, showSummary } from "./harness/stats.ts";
import { type Timing, timeCommands } from "./harness/timed-commands.ts";

const apis = 10;

await benchmark("startup", async ({ quick, signal, say }) => {
  await using home = await cortexHome();
  const names = Array.from({ length: apis }, (_, index) => `model-${index}`);
  const project = await home.project({
    "cortex.yaml": names.map((name) => spec(name)).join(""),
    "handler.py": speaking("hello"),
  });
  say(`deploying ${apis} APIs`);
  await mustRun(home, ["deploy", project]);

  const env = homeVariables(home);
  const command = builtCommand();
  const commands = {
    node: { argv: [projectNode(), "-e", "0"], env },
    version: { argv: [command, "--version"], env },
    get: { argv: [command, "get"], env },
  };
  const rounds = quick ? 5 : 40;
  say(`timing each command ${rounds} times`);
  await timeCommands(commands, 2, signal);
  const { node, version, get } = await timeCommands(commands, rounds, signal);
  return [
    figureRow("node -e 0", node),
    figureRow("cortex --version", version),
    figureRow(`cortex get, ${apis} APIs`, get),
    ...ratioRows("cortex --version", version, node, 1.3),
    ...ratioRows(`cortex get, ${apis} APIs`, get, node, 2),
  ];
});

function figureRow(what: string, timing: Timing): Row {
  const figure = `${showSummary(timing.wallMs, 1)} ms, of the processor ${showSummary(timing.cpuMs, 1)} ms`;
  return { what, figure, data: timing };
}

function ratioRows(what: string, timing: Timing, base: Timing, goal: number): Row[] {
  const row = (kind: string, ratios: readonly number[]): Row => ({
    what: `${what} / node -e 0, ${kind}`,
    figure: `${showSummary(ratios, 2)} x`,
    goal: `at most ${goal}x`,
    met: median(ratios) <= goal,
    data: ratios,
  });
  return [
    row("wall", pairedRatios(timing.wallMs, base.wallMs)),
    row("processor", pairedRatios(timing.cpuMs, base.cpuMs)),
  ];
}
