import { alignedTable, type Table, tabbedTable } from "./table.ts";
import type { Terminal } from "./terminal.ts";

export type OutputFormat = "pretty" | "wide" | "json" | "yaml" | "name";

/** One value for three readers: a person, a program that cuts columns, a program that parses. */
export type View<T> = OtherParts<T> & (OneTable<T> | SeveralTables<T>);

interface OneTable<T> {
  readonly table: (value: T) => Table;
}

interface SeveralTables<T> {
  /** One below the other, at least one; `isWide`: with the columns that not everybody needs. */
  readonly tables: (value: T, isWide: boolean) => readonly Table[];
}

interface OtherParts<T> {
  /** What a person reads beside the table, in a text of its own; a pipe gets it too. */
  readonly below?: (value: T) => string | Promise<string>;
  /** A contract: fields are added, never renamed. */
  readonly json: (value: T) => unknown;
  readonly names?: (value: T) => readonly string[];
  /** Said on stderr when no table has rows. */
  readonly empty?: string;
}

/** Writes `value` to stdout as `format` wants it. */
export async function show<T>(value: T, view: View<T>, format: OutputFormat, terminal: Terminal): Promise<void> {
  await terminal.stdout.write(await rendered(value, view, format, terminal.stdout.isTerminal));
  if (format !== "json" && format !== "yaml" && view.empty && isEmpty(tablesOf(value, view, false))) {
    await terminal.stderr.write(`${view.empty}\n`);
  }
}

/** @returns what `show` writes */
export async function rendered<T>(value: T, view: View<T>, format: OutputFormat, isTerminal: boolean): Promise<string> {
  if (format === "json") return jsonDocument(view.json(value));
  if (format === "yaml") return (await import("yaml")).stringify(view.json(value), { aliasDuplicateObjects: false });
  const tables = tablesOf(value, view, format === "wide");
  if (format === "name") {
    const names = view.names?.(value) ?? tables.flatMap((table) => table.slice(1).map((row) => row[0]));
    return names.map((name) => `${name}\n`).join("");
  }
  if (isTerminal && isEmpty(tables) && view.empty) return "";
  const text = tablesText(tables, isTerminal ? alignedTable : tabbedTable);
  return view.below ? text + (await view.below(value)) : text;
}

/** An empty line between two tables. */
export function tablesText(tables: readonly Table[], textOf: (table: Table) => string): string {
  return tables.map(textOf).join("\n");
}

function tablesOf<T>(value: T, view: View<T>, isWide: boolean): readonly Table[] {
  return "tables" in view ? view.tables(value, isWide) : [view.table(value)];
}

function isEmpty(tables: readonly Table[]): boolean {
  return tables.every((table) => table.length <= 1);
}

export function jsonDocument(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}
