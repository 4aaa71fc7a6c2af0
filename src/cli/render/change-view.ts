import type { ApiChange, Difference } from "../../core/plan.ts";
import { oneLine } from "./width.ts";

/** What a deploy would change, as a person reads it: a line per API, below it a line per field. */
export function changesText(changes: readonly ApiChange[]): string {
  return changes.map(changeText).join("");
}

export function changesJson(changes: readonly ApiChange[]): unknown {
  return changes.map(({ name, kind, change, differences, notices }) => ({
    name,
    kind,
    change,
    differences: differences.map(({ path, before, after }) => ({
      path,
      before: before ?? null,
      after: after ?? null,
    })),
    notices,
  }));
}

/** What `deploy` says of a change that it begins, in the words of every Cortex before. */
export function changeMessage({ name, kind, change }: Pick<ApiChange, "name" | "kind" | "change">): string {
  if (change === "unchanged") return `${name} is up to date`;
  return `${change === "create" ? "creating" : "updating"} ${name} (${kind})`;
}

function changeText({ name, kind, change, differences, notices }: ApiChange): string {
  const title = change === "unchanged" ? `${name} (${kind}): no difference` : `${change} ${name} (${kind})`;
  const why = change === "update" && differences.length === 0 ? ["  the same revision, which is not live"] : [];
  const lines = [title, ...why, ...differences.map(differenceText), ...notices.map((notice) => `  note: ${notice}`)];
  return lines.map((line) => `${line}\n`).join("");
}

function differenceText({ path, before, after }: Difference): string {
  if (before === undefined) return `  + ${path}: ${oneLine(after ?? "")}`;
  if (after === undefined) return `  - ${path}: ${oneLine(before)}`;
  return `  ~ ${path}: ${oneLine(before)} -> ${oneLine(after)}`;
}
