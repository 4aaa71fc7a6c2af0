import { Argument, Command } from "commander";
import type { App } from "./app.ts";
import { completionScript, type Shell, shells } from "./completion-scripts.ts";
import { withExamples } from "./flags.ts";

export function completionCommand(app: App, run: typeof runCompletion = runCompletion): Command {
  const command = new Command("completion")
    .description("Prints a script that completes commands, flags and the names of live APIs.")
    .addArgument(new Argument("<shell>", "which shell").choices(shells))
    .action((shell: Shell) => run(app, shell));
  return withExamples(command, [
    ["source <(cortex completion bash)", "for this bash; put it into ~/.bashrc for every one"],
    ["source <(cortex completion zsh)", "likewise, ~/.zshrc"],
    ["cortex completion fish > ~/.config/fish/completions/cortex.fish", "for fish"],
    ["cortex completion powershell | Out-String | Invoke-Expression", "for PowerShell; put it into $PROFILE"],
  ]);
}

async function runCompletion(app: App, shell: Shell): Promise<void> {
  await app.terminal.stdout.write(completionScript(shell));
}
