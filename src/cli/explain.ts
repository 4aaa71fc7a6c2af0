import { Command } from "commander";
import type { App } from "./app.ts";
import { outputOption, withExamples } from "./flags.ts";
import { jsonDocument } from "./render/show.ts";

export interface ExplainFlags {
  readonly output: "pretty" | "json";
}

export function explainCommand(app: App, run: typeof runExplain = runExplain): Command {
  const command = new Command("explain")
    .description("Says what a field of cortex.yaml means: its type, default, limits and older names.")
    .argument("[field]", "a field by its path, older names too; without one all of cortex.yaml")
    .addOption(outputOption("pretty", "json"))
    .action((field: string | undefined, flags: ExplainFlags) => run(app, field, flags));
  return withExamples(command, [
    ["cortex explain autoscaling.max_replicas", "one field"],
    ["cortex explain handler", "a field and those below it"],
    ["cortex explain predictor.model_path", "what became of an older name"],
  ]);
}

async function runExplain(app: App, field: string | undefined, { output }: ExplainFlags): Promise<void> {
  const [{ explainField }, { explanationText }] = await Promise.all([
    import("../spec/explain.ts"),
    import("../spec/explain-text.ts"),
  ]);
  const explanation = explainField(field);
  await app.terminal.stdout.write(output === "json" ? jsonDocument(explanation) : explanationText(explanation));
}
