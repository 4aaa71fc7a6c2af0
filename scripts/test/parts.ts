import { join } from "node:path";
import { projectRoot, pythonProblem } from "../toolchain.mjs";
import { type Counts, countCheck, countJunit, countVitest } from "./counts.ts";
import { findEmulator } from "./emulation.ts";

export interface Part {
  readonly name: string;
  /** `checks`: quick, without running the program; else `build` or `tests`. */
  readonly group: "checks" | "build" | "tests";
  readonly what: string;
  /** Milliseconds after which it has failed, where it may take longer than others. */
  readonly longestMs?: number;
  /** Its clocks are virtual, so that it may be slow without failing. */
  readonly keepsOwnTime?: true;
  /** @param report a file that the part may write its results to */
  command(report: string): readonly [program: string, ...args: string[]];
  /** @param status how the command ended */
  count(report: string, status: number): Promise<Counts>;
}

export interface Outcome {
  readonly part: Pick<Part, "name">;
  readonly status: number;
  readonly counts: Counts;
  readonly tookMs: number;
}

const node = process.execPath;
const inRoot = (path: string) => join(projectRoot, path);
const isWindows = process.platform === "win32";
const venvPython = inRoot(isWindows ? ".venv/Scripts/python.exe" : ".venv/bin/python");

/** A check is one test: it passes or it does not. */
function check(group: Part["group"], name: string, what: string, ...command: readonly [string, ...string[]]): Part {
  return { name, group, what, command: () => command, count: async (_, status) => countCheck(status) };
}

/** Tests that vitest runs: `filters` choose files by a part of their path, `except` by a pattern. */
function vitest(
  name: string,
  what: string,
  filters: readonly string[],
  except: readonly string[] = [],
  flags: readonly string[] = [],
): Part {
  return {
    name,
    group: "tests",
    what,
    command: (report) => [
      node,
      inRoot("node_modules/vitest/vitest.mjs"),
      "run",
      ...filters,
      ...except.map((pattern) => `--exclude=${pattern}`),
      ...flags,
      "--passWithNoTests",
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${report}`,
    ],
    count: countVitest,
  };
}

const pytest = ["-m", "pytest", "-q", "-n", "2", "--dist", "loadfile"];
const python: Part = {
  name: "python",
  group: "tests",
  what: "the runtime, with pytest",
  // A file's tests share replicas, so each file stays in one process.
  command: (report) => [venvPython, ...pytest, "test/runtime", `--junitxml=${report}`],
  count: countJunit,
};

const runtimeSettings = "src/runtime/pyproject.toml";
const mypy = [venvPython, "-m", "mypy", "--strict", "--config-file", runtimeSettings, "src/runtime"] as const;

/** What belongs to the Kubernetes environment: decisions, and what is done in a real cluster. */
const ofCluster = ["test/kubernetes/", "test/environments/kubernetes/", "test/conformance/kubernetes."];
const ofClusterPatterns = ofCluster.map((path) => (path.endsWith("/") ? `${path}**` : `${path}*`));
/** What belongs to clusters on AWS and to what is brought into any cluster. */
const ofAws = ["test/aws/", "test/cluster/"];
/** Takes away what all other tests of the cluster need, so it runs before them. */
const installCycle = "test/cluster/install-cycle.test.ts";
/** Brings them, too, and takes them out again. */
const awsEndToEnd = "test/cluster/aws-end-to-end.test.ts";
const hasCluster = Boolean(process.env.CORTEX_TEST_KUBECONFIG);

/** Brings what the tests need into the cluster, as a user would. Without a cluster it is skipped, and says so. */
const clusterSetup: Part = {
  name: "cluster-setup",
  group: "tests",
  what: "`cortex cluster install` into the cluster of CORTEX_TEST_KUBECONFIG",
  command: () => [node, inRoot("scripts/test/prepare-cluster.ts")],
  count: async (_, status) => (hasCluster ? countCheck(status) : { passed: 0, failed: 0, skipped: 1 }),
};

/** What starts real processes by the dozen. */
const slow = [
  "test/environments/**",
  "test/conformance/**",
  "test/faults/**",
  ...ofAws.map((path) => `${path}**`),
  "test/e2e/**",
  "test/docs.test.ts",
  ...ofClusterPatterns,
];

/** What can be started here: this machine's own, and what qemu emulates. */
const startable = findEmulator() ? ["--target", "linux-x64,linux-arm64"] : [];

/** What is quick, and what others need. */
const first: readonly Part[] = [
  check("checks", "biome", "format and lint", node, inRoot("node_modules/@biomejs/biome/bin/biome"), "check", "."),
  check("checks", "types", "TypeScript, strict", node, inRoot("node_modules/typescript/bin/tsc"), "-p", "."),
  check("checks", "knip", "nothing unused", node, inRoot("node_modules/knip/bin/knip.js"), "--no-progress"),
  check("build", "build", "dist/cortex", node, inRoot("scripts/build.ts")),
  check(
    "build",
    "package",
    "the executables that can be started here",
    node,
    inRoot("scripts/package.ts"),
    ...startable,
  ),
  check("build", "venv", "a virtual environment for the runtime's tests", node, inRoot("scripts/python-dev.mjs")),
  check("checks", "mypy", "types of the runtime, strict", ...mypy),
];

const faultTests = ["test/faults/"];
const faults: Part = {
  ...vitest("faults", "`cluster up` and `down` killed and disturbed: a sample of all cases", faultTests),
  keepsOwnTime: true,
};
const allFaults: Part = {
  ...vitest(
    "all-faults",
    "`cluster up` and `down` killed at every call, and every call of theirs failing in every way, against an emulated AWS",
    faultTests,
    [],
    ["--mode=all-faults"],
  ),
  longestMs: 55 * 60_000,
};
const reproducible = check(
  "build",
  "reproducible",
  "a second build has the same bytes, on a machine that does nothing else",
  node,
  inRoot("scripts/package.ts"),
  "--check-reproducible",
);
const allArm64: Part = {
  ...vitest(
    "all-arm64",
    "every command of the executable for linux-arm64, under qemu",
    ["test/e2e/arm64"],
    [],
    ["--mode=all-arm64"],
  ),
  longestMs: 40 * 60_000,
};

const onThisMachine: readonly Part[] = [
  python,
  vitest("unit", "TypeScript: decisions, files, golden output, the import directions", [], slow),
  vitest("aws", "clusters: what is planned for them, and what is made of them on an emulated AWS", ofAws, [
    installCycle,
    awsEndToEnd,
  ]),
  faults,
];

const inTheCluster: readonly Part[] = [
  vitest("cluster-install", "add-ons into a disposable cluster and out again (CORTEX_TEST_CLUSTER_INSTALL=1)", [
    installCycle,
  ]),
  vitest("cluster-aws", "a cluster on an emulated AWS whose control plane is a real API server, from `up` to `down`", [
    awsEndToEnd,
  ]),
  clusterSetup,
  vitest(
    "cluster",
    "the Kubernetes environment, against the cluster of CORTEX_TEST_KUBECONFIG",
    ofCluster,
    [],
    // Every test has pods, and a cluster of one small node starts few of them at a time.
    ["--maxConcurrency=3"],
  ),
];

/** What counts requests and replicas, and would rather have the machine for itself. */
const last: readonly Part[] = [
  vitest(
    "local",
    "the local environment: agents, gateways, replicas, faults",
    ["test/environments/"],
    ofClusterPatterns,
  ),
  vitest("conformance", "what every environment does alike", ["test/conformance/"], ofClusterPatterns),
  vitest("e2e", "every command of the built program, and those in the documents", ["test/e2e/", "test/docs.test.ts"]),
];

/** One after another; in each, lanes side by side: tests in a cluster wait for its pods most of the time. */
export const stages: readonly (readonly (readonly Part[])[])[] = [[first], [onThisMachine, inTheCluster], [last]];
export const parts: readonly Part[] = stages.flat(2);
/** What takes too long to be run without being asked for by name. */
export const onRequest: readonly Part[] = [reproducible, allArm64, allFaults];

/** @returns a line that says why the whole cannot be run on this machine, undefined when it can */
export function missing(): string | undefined {
  return pythonProblem();
}
