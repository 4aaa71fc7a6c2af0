import type { Bundled } from "./bundled.ts";

export interface Notices {
  readonly node: Bundled;
  readonly npm: readonly Bundled[];
  readonly python: readonly Bundled[];
}

const rule = "=".repeat(80);

/** What a program must say of what it is made of: who it is by, then each text once, below the names of those it is for. */
export function noticesText({ node, npm, python }: Notices): string {
  const list = (all: readonly Bundled[]) =>
    all.map(({ name, version, license }) => `  ${name} ${version} (${license})`);
  return [
    "Cortex contains software of others, each under its own licence.",
    "",
    "The program runs on:",
    ...list([node]),
    "",
    "Packages of npm inside it:",
    ...list(npm),
    "",
    "Packages of Python that it brings along for handlers:",
    ...list(python),
    "",
    ...licenseTexts([...npm, ...python]),
    ...licenseTexts([node]),
  ].join("\n");
}

function licenseTexts(all: readonly Bundled[]): string[] {
  const users = new Map<string, string[]>();
  for (const { name, version, license, texts } of all) {
    const own = texts.length > 0 ? texts : [`No text comes with it; its author names the licence ${license}.`];
    for (const text of own) {
      const key = text.replaceAll("\r\n", "\n").trim();
      users.set(key, [...(users.get(key) ?? []), `${name} ${version}`]);
    }
  }
  return [...users].flatMap(([text, names]) => [rule, ...names, rule, "", text, ""]);
}
