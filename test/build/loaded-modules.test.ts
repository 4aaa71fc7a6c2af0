import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const run = promisify(execFile);

/** Notes every module that is loaded, by name, in the file that LOADED_MODULES says. */
const noteLoaded = `
import { appendFileSync } from "node:fs";
import { registerHooks } from "node:module";
registerHooks({ resolve(name, context, next) {
  const found = next(name, context);
  appendFileSync(process.env.LOADED_MODULES, found.url + "\\n");
  return found;
} });`;

interface Loaded {
  /** Paths relative to src. */
  readonly sources: readonly string[];
  readonly packages: readonly string[];
  readonly builtins: readonly string[];
}

/** Runs a command from the sources, in a home of its own where nothing is deployed. */
async function loadedBy(...args: string[]): Promise<Loaded> {
  const folder = await mkdtemp(join(tmpdir(), "cortex-test-"));
  try {
    const list = join(folder, "loaded");
    const env = { ...process.env, CORTEX_HOME: join(folder, "home"), LOADED_MODULES: list };
    const hook = `data:text/javascript,${encodeURIComponent(noteLoaded)}`;
    await run(process.execPath, ["--import", hook, join(root, "src/main.ts"), ...args], { env, cwd: folder });
    const urls = [...new Set((await readFile(list, "utf8")).trim().split("\n"))];
    const after = (marker: string) =>
      urls.filter((url) => url.includes(marker)).map((url) => url.split(marker).at(-1)!);
    return {
      sources: after("/src/").filter((path) => path.endsWith(".ts")),
      packages: [...new Set(after("/node_modules/").map((path) => path.split("/")[0]!))],
      builtins: urls.filter((url) => url.startsWith("node:")),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

describe("what a command loads", () => {
  test.each([["--version"], ["--help"], ["completion", "bash"]])(
    "%s: no package but the command line's",
    async (...args) => {
      const { packages } = await loadedBy(...args);
      expect(packages.filter((name) => name !== "commander")).toEqual([]);
    },
  );

  test("--version: nothing but itself", async () => {
    const { sources, packages, builtins } = await loadedBy("--version");
    expect(packages).toEqual([]);
    expect(sources.length).toBeLessThanOrEqual(8);
    expect(sources.filter((path) => path.startsWith("environments/"))).toEqual([]);
    expect(builtins.filter((name) => /http|crypto|child_process|sqlite|net|readline/.test(name))).toEqual([]);
  });

  test.each([[["get"]], [["get", "-o", "json"]]])("%j: neither YAML nor colour nor the deploying", async (args) => {
    const { sources, packages } = await loadedBy(...args);
    expect(packages).toEqual(["commander"]);
    expect(
      sources.filter((path) => /^project\/|^spec\/(yaml|parse)|agent-main|gateway\/gateway|snapshots/.test(path)),
    ).toEqual([]);
  });
});
