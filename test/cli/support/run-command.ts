import { tmpdir } from "node:os";
import type { ApiPlace, App } from "../../../src/cli/app.ts";
import type { Sink, Terminal } from "../../../src/cli/render/terminal.ts";
import { runCli } from "../../../src/cli/run.ts";
import { type SettingsStore, settingsIn } from "../../../src/cli/settings.ts";
import type { Check } from "../../../src/core/check.ts";
import type { CloudClusters } from "../../../src/core/cloud-cluster.ts";
import type { ClusterAdmin } from "../../../src/core/cluster.ts";
import type { ProjectFiles } from "../../../src/core/deploy.ts";
import type { Environment } from "../../../src/core/environment.ts";
import { CortexError } from "../../../src/core/errors.ts";
import type { Kubeconfigs } from "../../../src/core/kubeconfig.ts";
import type { ProgramUpdates } from "../../../src/core/program-update.ts";
import { FakeEnvironment } from "./fake-environment.ts";
import { now, realtimeApi } from "./states.ts";

export interface RunOptions {
  readonly environment?: Environment;
  /** A person at a terminal, without colours; otherwise pipes. */
  readonly isTerminal?: boolean;
  readonly columns?: number;
  /** What the person answers, line by line. */
  readonly answers?: readonly string[];
  readonly input?: string;
  readonly files?: ProjectFiles;
  readonly settings?: SettingsStore;
  readonly variables?: Readonly<Record<string, string>>;
  readonly workingFolder?: string;
  readonly checks?: readonly Check[];
  readonly cluster?: ClusterAdmin;
  /** APIs of a cluster on AWS. */
  readonly places?: readonly ApiPlace[];
  readonly clouds?: CloudClusters;
  readonly kubeconfigs?: Kubeconfigs;
  readonly updates?: ProgramUpdates;
  readonly newerVersion?: () => Promise<string | undefined>;
  /** Called after each write, so that a test can interrupt the command when it has said something. */
  readonly onWrite?: (written: Written, interrupt: () => void) => void;
}

interface Written {
  readonly stdout: string;
  readonly stderr: string;
  /** Both, in the order in which they were written. */
  readonly both: string;
}

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line in this process, with all but the command line itself made up. */
export async function runCommand(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const written = { stdout: "", stderr: "", both: "" };
  const controller = new AbortController();
  const interrupt = () => controller.abort(new CortexError("INTERRUPTED", "interrupted"));
  const app = fakeApp(args, options, controller.signal, (name, text) => {
    written[name] += text;
    written.both += text;
    options.onWrite?.(written, interrupt);
  });
  const status = await runCli(app);
  return { status, stdout: written.stdout, stderr: written.stderr };
}

export function fakeApp(
  args: readonly string[],
  options: RunOptions,
  signal: AbortSignal,
  write: (name: "stdout" | "stderr", text: string) => void,
): App {
  const environment = options.environment ?? new FakeEnvironment();
  return {
    args,
    terminal: fakeTerminal(options, write),
    variables: options.variables ?? {},
    workingFolder: options.workingFolder ?? tmpdir(),
    signal,
    settings: options.settings ?? settingsIn("/nonexistent"),
    now: () => now,
    files: async () => options.files ?? filesWith(),
    identity: async () => "ada@laptop",
    environment: async () => environment,
    cluster: async () => options.cluster!,
    clouds: async () => options.clouds!,
    cloudCluster: async () => options.cluster!,
    apisOf: async () => options.places ?? [],
    kubeconfigs: options.kubeconfigs ?? {
      contexts: async () => ({
        files: ["kubeconfig"],
        names: ["eks", "kind"],
        current: "kind",
        isInPod: false,
      }),
      probe: async () => ({ version: "v1.34.4" }),
    },
    cloudPolicies: () => import("../../../src/cluster/policies.ts"),
    updates: async () => options.updates!,
    newerVersion: options.newerVersion,
    checkMachine: async () => options.checks ?? [],
    checkEnvironment: async () => options.checks ?? [],
    exitStatus: 0,
    leftBehind: undefined,
  };
}

/** A project whose configuration holds one realtime API. */
export function filesWith(changes: Partial<ProjectFiles> = {}): ProjectFiles {
  return {
    parse: async () => ({ apis: [realtimeApi()], warnings: [], root: "/project", configFile: "/project/cortex.yaml" }),
    read: async () => ({ root: "/project", digest: "c".repeat(64), files: [], totalBytes: 0 }),
    questions: async () => [],
    ...changes,
  };
}

function fakeTerminal(options: RunOptions, write: (name: "stdout" | "stderr", text: string) => void): Terminal {
  const isTerminal = options.isTerminal ?? false;
  const sink = (name: "stdout" | "stderr"): Sink => ({
    isTerminal,
    hasColor: false,
    columns: options.columns ?? 100,
    isClosed: false,
    async write(data) {
      if (data.length > 0) write(name, typeof data === "string" ? data : Buffer.from(data).toString());
    },
    async *sizes() {
      yield { columns: options.columns ?? 100, rows: 30 };
    },
  });
  const answers = [...(options.answers ?? [])];
  return {
    stdout: sink("stdout"),
    stderr: sink("stderr"),
    stdin: {
      isTerminal,
      readLine: async () => answers.shift(),
      readAll: async () => Buffer.from(options.input ?? ""),
      async *read() {
        yield Buffer.from(options.input ?? "");
      },
      takeKeys: () => ({ [Symbol.dispose]: () => {} }),
    },
    isLive: isTerminal,
    canAsk: isTerminal,
  };
}
