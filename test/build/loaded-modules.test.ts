import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
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
  return loadedIn({}, async (start) => void (await start(args)));
}

interface Surroundings {
  readonly variables?: Readonly<Record<string, string>>;
  /** Text of `cli.json`. */
  readonly settings?: string;
}

async function loadedIn(
  { variables, settings }: Surroundings,
  work: (start: (args: readonly string[]) => Promise<unknown>) => Promise<void>,
): Promise<Loaded> {
  const folder = await mkdtemp(join(tmpdir(), "cortex-test-"));
  try {
    const list = join(folder, "loaded");
    const home = join(folder, "home");
    await mkdir(home);
    if (settings !== undefined) await writeFile(join(home, "cli.json"), settings);
    const env = { ...process.env, ...variables, CORTEX_HOME: home, LOADED_MODULES: list };
    const hook = `data:text/javascript,${encodeURIComponent(noteLoaded)}`;
    await work((args) =>
      run(process.execPath, ["--import", hook, join(root, "src/main.ts"), ...args], { env, cwd: folder }),
    );
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

  test("cluster iam-policy: nothing of the SDK, though it tells of all its calls", async () => {
    const { packages } = await loadedBy("cluster", "iam-policy");
    expect(packages).toEqual(["commander"]);
  });

  test("get, of a cluster on AWS, with keys in the variables: nothing of the SDK either, the token is signed without", async () => {
    const eks = { cluster: "x", region: "eu-west-1", endpoint: "http://127.0.0.1:1", certificate_authority: "" };
    const environments = [{ name: "aws", kind: "kubernetes", eks }];
    const settings = JSON.stringify({ default_environment: "aws", environments });
    const variables = { AWS_ACCESS_KEY_ID: "id", AWS_SECRET_ACCESS_KEY: "key" };
    const { packages, sources } = await loadedIn({ settings, variables }, async (start) => {
      // Nothing listens there.
      await expect(start(["get"])).rejects.toMatchObject({ stderr: expect.stringContaining("127.0.0.1:1") });
    });
    expect(sources).toContain("aws/eks-token.ts");
    expect(sources.filter((path) => path.startsWith("aws/services/"))).toEqual([]);
    expect(packages).toEqual(["commander"]);
  });
});
