import { Command } from "commander";
import type { App } from "./app.ts";
import { withExamples } from "./flags.ts";

export function explainCommand(app: App, run: typeof runExplain = runExplain): Command {
  const command = new Command("explain")
    .description("Says what a field of cortex.yaml means: its type, default, limits and older names.")
    .argument("[field]", "a field by its path; without one all fields are listed")
    .action((field: string | undefined) => run(app, field));
  return withExamples(command, [
    ["cortex explain autoscaling.max_replicas", "one field"],
    ["cortex explain handler", "a field and those below it"],
  ]);
}

async function runExplain(app: App, field: string | undefined): Promise<void> {
  const { explainField } = await import("../spec/explain.ts");
  await app.terminal.stdout.write(explainField(field));
}
