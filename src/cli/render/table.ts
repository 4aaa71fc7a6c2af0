import { displayWidth, oneLine, padEnd } from "./width.ts";

/** Rows of cells, the header first. */
export type Table = readonly (readonly string[])[];

/** Columns under their headers, three spaces apart, for a person. Ends with a newline unless it is empty. */
export function alignedTable(table: Table): string {
  const rows = table.map((row) => row.map(oneLine));
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => displayWidth(row[column] ?? ""))));
  return rows.map((row) => `${alignedRow(row, widths)}\n`).join("");
}

/** One tab between cells, for a program. */
export function tabbedTable(table: Table): string {
  return table.map((row) => `${row.map(oneLine).join("\t")}\n`).join("");
}

function alignedRow(row: readonly string[], widths: readonly number[]): string {
  return row
    .map((cell, column) => padEnd(cell, widths[column] ?? 0))
    .join("   ")
    .trimEnd();
}
