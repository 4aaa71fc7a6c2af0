import { CortexError, errorToJson, exitStatus } from "../core/errors.ts";
import type { App } from "./app.ts";

/** Runs one command line. The one place where an error becomes text, JSON and an exit status. */
export async function runCli(app: App): Promise<number> {
  try {
    await (await import("./program.ts")).runCommand(app);
    return app.exitStatus;
  } catch (error) {
    const failure = app.signal.aborted ? interrupted(app) : error;
    await report(failure, app);
    return exitStatus(failure);
  } finally {
    await tellOfNewer(app);
  }
}

/** Only a person is told, and never in the middle of what a program reads. */
async function tellOfNewer(app: App): Promise<void> {
  const { newerVersion, terminal, variables, args } = app;
  const isWanted = terminal.isLive && !variables.CORTEX_NO_UPDATE_NOTICE && !wantsJson(args) && args[0] !== "upgrade";
  if (!newerVersion || !isWanted) return;
  const newer = await newerVersion().catch(() => undefined);
  if (newer === undefined) return;
  await terminal.stderr.write(
    `cortex ${newer} is there: \`cortex upgrade\` (CORTEX_NO_UPDATE_NOTICE=1: do not tell)\n`,
  );
}

async function report(error: unknown, app: App): Promise<void> {
  const { terminal, variables } = app;
  const isJson = wantsJson(app.args);
  if (isJson)
    await terminal.stdout.write(`${JSON.stringify({ error: errorToJson(error) }, null, isStream(app.args) ? 0 : 2)}\n`);
  const [{ errorText }, { paletteFor }] = await Promise.all([
    import("./render/error-text.ts"),
    import("./render/paint.ts"),
  ]);
  const palette = await paletteFor(terminal.stderr);
  const withStacks = variables.CORTEX_DEBUG === "1";
  await terminal.stderr.write(errorText(error, { palette, columns: terminal.stderr.columns, withStacks }));
}

function interrupted(app: App): CortexError {
  return new CortexError("INTERRUPTED", `interrupted; ${app.leftBehind ?? "nothing was changed"}`);
}

/** Whether a command line asks for JSON, even one that cannot be parsed. */
export function wantsJson(args: readonly string[]): boolean {
  return args.some(
    (arg, index) =>
      arg === "-ojson" ||
      arg === "-o=json" ||
      arg === "--output=json" ||
      ((arg === "-o" || arg === "--output") && args[index + 1] === "json"),
  );
}

/** Commands that write one document per line. */
function isStream(args: readonly string[]): boolean {
  return args[0] === "logs" || args.includes("-w") || args.includes("--watch");
}
