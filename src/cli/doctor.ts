import { Command } from "commander";
import type { Check } from "../core/check.ts";
import type { App } from "./app.ts";
import { type EnvFlag, outputOption, withExamples } from "./flags.ts";
import { type Palette, paletteFor } from "./render/paint.ts";
import { jsonDocument } from "./render/show.ts";
import { padEnd } from "./render/width.ts";
import { sayWhenSlow } from "./say-when-slow.ts";

export interface DoctorFlags extends EnvFlag {
  readonly output: "pretty" | "json";
}

export function doctorCommand(app: App, run: typeof runDoctor = runDoctor): Command {
  const command = new Command("doctor")
    .description("Checks what Cortex needs of this machine, or of a cluster, and says how to mend what is missing.")
    .option("-e, --env <name>", "check this environment (default: this machine)")
    .addOption(outputOption("pretty", "json"))
    .action((flags: DoctorFlags) => run(app, flags));
  return withExamples(command, [
    ["cortex doctor", "python, uv, port, disk, home, agent"],
    ["cortex doctor -e production", "reachability, rights, registry, gateway … of a cluster"],
    ["cortex doctor -o json", "the same for a program"],
  ]);
}

async function runDoctor(app: App, { env, output }: DoctorFlags): Promise<void> {
  const checking = env === undefined ? app.checkMachine(app.signal) : app.checkEnvironment(env, app.signal);
  const checks = await sayWhenSlow(app, "checking", checking);
  const { stdout } = app.terminal;
  const text = output === "json" ? jsonDocument(checks) : checksText(checks, await paletteFor(stdout));
  await stdout.write(text);
  if (checks.some(({ status }) => status === "fail")) app.exitStatus = 1;
}

function checksText(checks: readonly Check[], palette: Palette): string {
  const paints = { ok: palette.good, warn: palette.warning, fail: palette.error };
  const width = Math.max(...checks.map(({ name }) => name.length));
  return checks
    .map(({ name, status, message, fix }) => {
      const line = `${paints[status](padEnd(status, 4))}  ${padEnd(name, width)}  ${message}\n`;
      return fix === undefined ? line : `${line}${indented(`fix: ${fix}`, width + 8)}\n`;
    })
    .join("");
}

function indented(text: string, by: number): string {
  return text
    .split("\n")
    .map((line) => `${" ".repeat(by)}${line}`)
    .join("\n");
}
