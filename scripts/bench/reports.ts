import { readFile } from "node:fs/promises";
import type { Row } from "../../test/bench/harness/program.ts";

/** What a benchmark writes with `--json`. */
export interface Report {
  readonly benchmark: string;
  readonly rows: readonly (Row | Columns)[];
}

/** A row that has a column of its own for each figure. */
type Columns = Readonly<Record<string, string | number | boolean>> & { readonly name: string };

export async function readReport(file: string): Promise<Report> {
  return JSON.parse(await readFile(file, "utf8")) as Report;
}

/** @returns the rows of a report as they stand in the table of all benchmarks */
export function toRows({ benchmark, rows }: Report): Row[] {
  return rows.map((row) => {
    const { what, figure, goal, met, note } = "what" in row ? (row as Row) : fromColumns(row as Columns);
    return {
      what: `${benchmark}: ${what}`,
      figure,
      ...(goal !== undefined && { goal }),
      ...(met !== undefined && { met }),
      ...(note !== undefined && { note }),
    };
  });
}

function fromColumns({ name, met, ...figures }: Columns): Row {
  const figure = Object.entries(figures)
    .filter(([, value]) => value !== "-" && value !== "")
    .map(([column, value]) => `${column} ${typeof value === "number" ? Math.round(value * 100) / 100 : value}`)
    .join(", ");
  return { what: name, figure, ...((met === "yes" || met === "no") && { met: met === "yes" }) };
}
