import type { Outcome } from "./parts.ts";

/** @returns a table of what each part gave, and the line that sums them up, last */
export function summaryLines(outcomes: readonly Outcome[]): string[] {
  const rows = outcomes.map(({ part, counts, status, tookMs }) => [
    status === 0 && counts.failed === 0 ? "ok" : "FAILED",
    part.name,
    `${counts.passed} passed`,
    `${counts.failed} failed`,
    `${counts.skipped} skipped`,
    `${(tookMs / 1000).toFixed(1)} s`,
  ]);
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const table = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
  const sum = (key: "passed" | "failed" | "skipped") => outcomes.reduce((all, { counts }) => all + counts[key], 0);
  const skipped = sum("skipped");
  const failures = outcomes.flatMap(({ part, counts }) => (counts.failures ?? []).map((one) => `${part.name}: ${one}`));
  return [
    "",
    ...table,
    ...(failures.length > 0 ? ["", "failed:", ...failures.map((one) => `  ${one}`)] : []),
    ...(skipped > 0 ? [`${skipped} skipped: what this machine cannot do; the reports above name them`] : []),
    "",
    `${sum("passed")} passed, ${sum("failed")} failed`,
  ];
}
