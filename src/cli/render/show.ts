import { alignedTable, type Table, tabbedTable } from "./table.ts";
import type { Terminal } from "./terminal.ts";

export type OutputFormat = "pretty" | "wide" | "json" | "yaml" | "name";

/** One value for three readers: a person, a program that cuts columns, a program that parses. */
export interface View<T> {
  /** Header first. */
  readonly table: (value: T) => Table;
  /** With the columns that not everybody needs. */
  readonly wide?: (value: T) => Table;
  /** What a person reads beside the table, in a text of its own; a pipe gets it too. */
  readonly below?: (value: T) => string | Promise<string>;
  /** A contract: fields are added, never renamed. */
  readonly json: (value: T) => unknown;
  readonly names?: (value: T) => readonly string[];
  /** Said on stderr when the table has no rows. */
  readonly empty?: string;
}

/** Writes `value` to stdout as `format` wants it. */
export async function show<T>(value: T, view: View<T>, format: OutputFormat, terminal: Terminal): Promise<void> {
  await terminal.stdout.write(await rendered(value, view, format, terminal.stdout.isTerminal));
  if (format !== "json" && format !== "yaml" && view.empty && view.table(value).length <= 1) {
    await terminal.stderr.write(`${view.empty}\n`);
  }
}

/** @returns what `show` writes */
export async function rendered<T>(value: T, view: View<T>, format: OutputFormat, isTerminal: boolean): Promise<string> {
  if (format === "json") return jsonDocument(view.json(value));
  if (format === "yaml") return (await import("yaml")).stringify(view.json(value), { aliasDuplicateObjects: false });
  const table = format === "wide" ? (view.wide ?? view.table)(value) : view.table(value);
  if (format === "name")
    return (view.names?.(value) ?? table.slice(1).map((row) => row[0])).map((n) => `${n}\n`).join("");
  if (isTerminal && table.length <= 1 && view.empty) return "";
  const text = isTerminal ? alignedTable(table) : tabbedTable(table);
  return view.below ? text + (await view.below(value)) : text;
}

export function jsonDocument(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
