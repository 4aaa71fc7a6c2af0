import type { ExplainedChild, Explanation } from "./explain.ts";

/** @returns an explanation as plain lines, ending with a line break */
export function explanationText(explanation: Explanation): string {
  const { path, file, askedFor, description, children } = explanation;
  const head = path === "" || path === "cluster" ? file : `${path}  (${explanation.type}, ${file})`;
  const lines = [
    ...(askedFor !== null && askedFor !== path ? [`${askedFor} is an older spelling of:`, ""] : []),
    head,
    `  ${description}`,
    ...facts(explanation).map(([name, value]) => `  ${`${name}:`.padEnd(10)} ${value}`),
    ...(children.length > 0 ? ["", ...childLines(children)] : []),
  ];
  return `${lines.join("\n")}\n`;
}

function facts({
  path,
  required,
  default: fallback,
  limits,
  kinds,
  example,
  oldNames,
  type,
}: Explanation): [string, string][] {
  const isFile = path === "" || path === "cluster" || type === "none";
  const found: [string, string | null][] = [
    ["required", required && !isFile ? "yes" : null],
    ["default", fallback],
    ["limits", limits],
    ["kinds", kinds?.join(", ") ?? null],
    ["example", example],
    ["formerly", oldNames.map((old) => `${old.path} (Cortex ${old.releases})`).join(", ") || null],
  ];
  return found.filter((fact): fact is [string, string] => fact[1] !== null);
}

function childLines(children: readonly ExplainedChild[]): string[] {
  const rows = children.map((child) => {
    const fallback = child.default === null ? "" : `, default ${child.default}`;
    return [child.path, `${child.type}${child.required ? ", required" : fallback}`, child.description] as const;
  });
  const width = Math.max(...rows.map(([path]) => path.length));
  return rows.flatMap(([path, type, description]) => [
    `  ${path.padEnd(width)}  ${type}`,
    `  ${" ".repeat(width)}  ${description}`,
  ]);
}
