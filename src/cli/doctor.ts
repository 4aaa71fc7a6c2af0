import { Command } from "commander";
import type { App, MachineCheck } from "./app.ts";
import { outputOption, withExamples } from "./flags.ts";
import { type Palette, paletteFor } from "./render/paint.ts";
import { jsonDocument } from "./render/show.ts";
import { padEnd } from "./render/width.ts";

export interface DoctorFlags {
  readonly output: "pretty" | "json";
}

export function doctorCommand(app: App, run: typeof runDoctor = runDoctor): Command {
  const command = new Command("doctor")
    .description("Checks what Cortex needs of this machine, and says how to mend what is missing.")
    .addOption(outputOption("pretty", "json"))
    .action((flags: DoctorFlags) => run(app, flags));
  return withExamples(command, [
    ["cortex doctor", "python, uv, port, disk, home, agent"],
    ["cortex doctor -o json", "the same for a program"],
  ]);
}

async function runDoctor(app: App, { output }: DoctorFlags): Promise<void> {
  const checks = await app.checkMachine(app.signal);
  const { stdout } = app.terminal;
  const text = output === "json" ? jsonDocument(checks) : checksText(checks, await paletteFor(stdout));
  await stdout.write(text);
  if (checks.some(({ status }) => status === "fail")) app.exitStatus = 1;
}

function checksText(checks: readonly MachineCheck[], palette: Palette): string {
  const paints = { ok: palette.good, warn: palette.warning, fail: palette.error };
  const width = Math.max(...checks.map(({ name }) => name.length));
  return checks
    .map(({ name, status, message, fix }) => {
      const line = `${paints[status](padEnd(status, 4))}  ${padEnd(name, width)}  ${message}\n`;
      return fix === undefined ? line : `${line}${" ".repeat(width + 8)}fix: ${fix}\n`;
    })
    .join("");
}
