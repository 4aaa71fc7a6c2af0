import { writeFile } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { parseArgs } from "node:util";

/** One line of a benchmark's table. */
export interface Row {
  readonly what: string;
  readonly figure: string;
  readonly goal?: string;
  /** Left out where there is no goal, and where nothing could be measured. */
  readonly met?: boolean;
  /** Why nothing could be measured, or why a goal is missed. */
  readonly note?: string;
  /** What the figure was made from, for the JSON file alone. */
  readonly data?: unknown;
}

export interface Run {
  /** Fewer and shorter rounds: to see that all works, not for figures to quote. */
  readonly quick: boolean;
  /** Aborts on Ctrl-C; what was started is then taken down. */
  readonly signal: AbortSignal;
  /** Says on standard error what is done now. */
  say(line: string): void;
}

/**
 * Runs a benchmark as a program: `node FILE [--json FILE] [--quick]`. The table goes to standard output; the exit status
 * tells whether it could be measured, not whether the goals are met.
 */
export async function benchmark(name: string, measure: (run: Run) => Promise<readonly Row[]>): Promise<void> {
  const { values: flags } = parseArgs({ options: { json: { type: "string" }, quick: { type: "boolean" } } });
  const stop = new AbortController();
  const interrupt = () => stop.abort(new Error("interrupted"));
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  const quick = flags.quick ?? false;
  const machine = describeMachine();
  const startedAt = new Date();
  try {
    const rows = await measure({
      quick,
      signal: stop.signal,
      say: (line) => process.stderr.write(`${name}: ${line}\n`),
    });
    const tookMs = Date.now() - startedAt.getTime();
    process.stdout.write(`\n${showTable(name, rows)}\n`);
    if (flags.json) {
      const report = { benchmark: name, quick, startedAt: startedAt.toISOString(), tookMs, machine, rows };
      await writeFile(flags.json, `${JSON.stringify(report, undefined, 2)}\n`);
    }
  } catch (error) {
    const isOver = stop.signal.aborted;
    const said = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`${name}: ${isOver ? "interrupted" : said}\n`);
    process.exitCode = isOver ? 130 : 1;
  } finally {
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
}

/** @returns the rows under their header, with notes below */
export function showTable(title: string, rows: readonly Row[]): string {
  const notes: string[] = [];
  const cells = rows.map(({ what, figure, goal, met, note }) => {
    if (note) notes.push(`[${notes.length + 1}] ${note}`);
    const mark = note ? ` [${notes.length}]` : "";
    return [what, figure, goal ?? "", `${met === undefined ? "-" : met ? "yes" : "no"}${mark}`];
  });
  const header = [title, "figure", "goal", "met"];
  const widths = header.map((_, column) => Math.max(...[header, ...cells].map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd();
  return [line(header), widths.map((width) => "-".repeat(width)).join("  "), ...cells.map(line), ...notes, ""].join(
    "\n",
  );
}

function describeMachine() {
  return {
    platform: `${process.platform}-${process.arch}`,
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    node: process.version,
    /** Over the last minute before the benchmark: far above zero means that others were using the machine. */
    loadBefore: loadavg()[0],
  };
}
