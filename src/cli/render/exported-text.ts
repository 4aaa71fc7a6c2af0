import type { Api } from "../../spec/api.ts";
import { specJson } from "./spec-json.ts";

/** @returns one API as a cortex.yaml that can be deployed again; values of environment variables are taken from those of then */
export async function exportedText(api: Api): Promise<string> {
  const { stringify } = await import("yaml");
  const text = stringify([written(specJson(api, "file"))], { aliasDuplicateObjects: false, lineWidth: 0 });
  const note = "# Values of env are not exported: each is taken from the variable of its name when this is deployed.\n";
  return text.includes("env:") ? note + text : text;
}

/** What is not said is left out, and what only looks like a variable stays text. */
function written(value: unknown, key?: string): unknown {
  if (typeof value === "string") return value.replaceAll("${", () => "$${");
  if (Array.isArray(value)) return value.map((one) => written(one));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, one]) => one !== null);
  if (key === "env") return Object.fromEntries(entries.map(([name]) => [name, `\${${name}}`]));
  return Object.fromEntries(entries.map(([name, one]) => [name, written(one, name)]));
}
