// How long the program takes to start, from `dist/cortex` and as one executable, against the same Node that runs nothing; and how
// it does on a cluster beside kubectl. `npm run bench:startup`, `node test/bench/startup.ts [--json FILE] [--quick]`
// The cluster is that of CORTEX_TEST_KUBECONFIG; without it, and without programs to compare with, rows are left out and say why.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { startStandInAws } from "../../scripts/build/stand-in-aws.ts";
import { projectNode, projectRoot } from "../../scripts/toolchain.mjs";
import { packagedFor } from "../e2e/support/program.ts";
import { testKubeconfig, writeKubeconfig } from "../support/cluster.ts";
import { type ClusterBench, createClusterBench } from "../support/cluster-bench.ts";
import { type Bench, createBench } from "../support/cortex.ts";
import { homeVariables, mustRun } from "./harness/cortex-home.ts";
import { benchmark, type Row, type Run } from "./harness/program.ts";
import { interleave, median } from "./harness/stats.ts";
import { type TimedCommand, type Timing, timeCommands } from "./harness/timed-commands.ts";
import { timeUntilAsked, type UntilAsked } from "./harness/until-asked.ts";

/** A command of the program, and how many times as long as `base` it may take. */
interface Subject {
  readonly args: readonly string[];
  readonly what: string;
  readonly goal?: number;
  readonly status?: number;
  readonly env?: Readonly<Record<string, string>>;
}

const rounds = ({ quick }: Run) => (quick ? 3 : 20);
const apis = ["one", "two", "three"];
const peers = ["kubectl version --client", "helm version", "eksctl version"];
/** What `cortex get` reads, as kubectl calls it. */
const read = "configmaps,deployments,pods,hpa,scaledobjects";

/** Configuration of an API that needs no image of its own. */
const small = (name: string) => `- name: ${name}
  kind: RealtimeAPI
  pod: {port: 8000, containers: [{name: server, image: "busybox:1.35", command: [httpd, -f, -p, "8000"], compute: {cpu: 20m, mem: 20Mi}}]}
  autoscaling: {min_replicas: 1, max_replicas: 1}
`;

await benchmark("startup", async (run) => {
  const programs = programsToTime();
  const rows = [...(await atStart(programs, run)), ...(await beforeRequests(programs, run))];
  if (testKubeconfig === "")
    return [...rows, { what: "on a cluster", figure: "-", note: "CORTEX_TEST_KUBECONFIG names none" }];
  return [...rows, ...(await onCluster(programs, run))];
});

/** By the name that rows give them. */
function programsToTime(): Readonly<Record<string, string>> {
  const script = join(projectRoot, "dist/cortex");
  const binary = process.env.CORTEX_TEST_BINARY || packagedFor(`${process.platform}-${process.arch}`);
  const there = Object.entries({ script, binary }).filter(([, file]) => existsSync(file));
  if (there.length === 0) throw new Error("there is nothing to time: npm run build, npm run package");
  return Object.fromEntries(there);
}

async function atStart(programs: Readonly<Record<string, string>>, run: Run): Promise<Row[]> {
  await using bench = await createBench();
  await using aws = await startStandInAws();
  const env = homeVariables(bench);
  const subjects = await subjectsOf(bench, aws.variables);
  const there = peers.filter((peer) => spawnSync(peer.split(" ")[0]!, ["--help"]).error === undefined);
  const commands: Record<string, TimedCommand> = { node: { argv: [projectNode(), "-e", "0"], env } };
  for (const peer of there) commands[peer] = { argv: peer.split(" "), env };
  for (const [program, file] of Object.entries(programs)) {
    for (const { args, what, status, env: more } of subjects) {
      commands[`${what}, ${program}`] = { argv: [file, ...args], env: { ...env, ...more }, status: status ?? 0 };
    }
  }
  run.say(`timing ${Object.keys(commands).length} commands ${rounds(run)} times`);
  await timeCommands(commands, 1, run.signal);
  const timed = await timeCommands(commands, rounds(run), run.signal);
  const base = timed.node!;
  const ours = Object.keys(programs).flatMap((program) =>
    subjects.map(({ what, goal }) => row(`${what}, ${program}`, timed[`${what}, ${program}`]!, base, goal)),
  );
  return [
    row("node -e 0", base, base),
    ...ours,
    ...there.map((peer) => row(peer, timed[peer]!, base)),
    ...peers
      .filter((peer) => !there.includes(peer))
      .map((what) => ({ what, figure: "-", note: "it is not on the PATH" })),
  ];
}

/** What a command does before its first request is all that it does where nothing answers, and a little more. */
async function subjectsOf(bench: Bench, aws: Readonly<Record<string, string>>): Promise<readonly Subject[]> {
  const kubeconfig = join(await bench.project({ "kubeconfig.folder": "" }), "kubeconfig");
  await writeKubeconfig(kubeconfig, { server: "https://127.0.0.1:1", user: { token: "none" } });
  await mustRun(bench, ["env", "configure", "silent", "--kubeconfig", kubeconfig]);
  return [
    { what: "cortex --version", args: ["--version"], goal: 1.05 },
    { what: "cortex --help", args: ["--help"], goal: 1.05 },
    { what: "cortex completion bash", args: ["completion", "bash"], goal: 1.05 },
    { what: "cortex env list (loads commander)", args: ["env", "list"], goal: 1.3 },
    { what: "cortex get (this machine, no agent)", args: ["get"] },
    { what: "cortex get -e (a server that refuses)", args: ["get", "-e", "silent"], status: 1 },
    {
      what: "cortex cluster info (an AWS that is empty)",
      args: ["cluster", "info", "-n", "none", "-r", "us-east-1"],
      status: 4,
      env: aws,
    },
  ];
}

/** What `get` and `cluster info` take before they open their first connection. */
async function beforeRequests(programs: Readonly<Record<string, string>>, run: Run): Promise<Row[]> {
  if (process.platform !== "linux") return [];
  await using bench = await createBench();
  const env = homeVariables(bench);
  const kubeconfig = join(await bench.project({ "kubeconfig.folder": "" }), "kubeconfig");
  await writeKubeconfig(kubeconfig, { server: "https://127.0.0.1:1", user: { token: "none" } });
  await mustRun(bench, ["env", "configure", "silent", "--kubeconfig", kubeconfig]);
  const aws = { AWS_ACCESS_KEY_ID: "none", AWS_SECRET_ACCESS_KEY: "none", AWS_EC2_METADATA_DISABLED: "true" };
  const subjects = Object.entries(programs).flatMap(([program, file]) => [
    {
      what: `cortex get -e, before its first request, ${program}`,
      goal: 2.2,
      start: async (port: number) => {
        await writeKubeconfig(kubeconfig, { server: `https://127.0.0.1:${port}`, user: { token: "none" } });
        return { argv: [file, "get", "-e", "silent"], env };
      },
    },
    {
      what: `cortex cluster info, before its first request, ${program}`,
      goal: 2.5,
      start: async (port: number) => ({
        argv: [file, "cluster", "info", "-n", "none", "-r", "us-east-1"],
        env: { ...env, ...aws, AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` },
      }),
    },
  ]);
  run.say(`timing ${subjects.length} commands until they ask, ${rounds(run)} times`);
  const node = { argv: [projectNode(), "-e", "0"], env };
  const timeNode = async () => {
    const { node: timed } = await timeCommands({ node }, 1, run.signal);
    return { cpuMs: timed.cpuMs[0]!, wallMs: timed.wallMs[0]! };
  };
  const each: Readonly<Record<string, () => Promise<UntilAsked>>> = Object.fromEntries(
    subjects.map(({ what, start }) => [what, () => timeUntilAsked(start)]),
  );
  const measured = await interleave<string, UntilAsked>(rounds(run), { node: timeNode, ...each }, run.signal);
  const timing = (what: string): Timing => ({
    cpuMs: measured[what]!.map(({ cpuMs }) => cpuMs),
    wallMs: measured[what]!.map(({ wallMs }) => wallMs),
  });
  return subjects.map(({ what, goal }) => row(what, timing(what), timing("node"), goal));
}

async function onCluster(programs: Readonly<Record<string, string>>, run: Run): Promise<Row[]> {
  await using bench = await createClusterBench();
  const project = await bench.project({ "cortex.yaml": apis.map(small).join("") });
  run.say(`deploying ${apis.length} APIs`);
  await mustRun(bench, ["deploy", project]);
  const timed = await timeOnCluster(programs, bench, project, run);
  const [deployments, same] = [timed["kubectl get deployments"]!, timed[`kubectl get ${read}`]!];
  const against = (what: string, base: Timing, goal: number) => row(what, timed[what]!, base, goal);
  return [
    row("kubectl get deployments", deployments, deployments),
    row(`kubectl get ${read}`, same, deployments),
    ...Object.keys(programs).flatMap((program) => [
      {
        ...against(`cortex get, ${program}`, same, 1.2),
        what: `cortex get, ${apis.length} APIs, ${program} / kubectl get of the same objects`,
      },
      {
        ...against(`cortex deploy, ${program}`, deployments, 2),
        what: `cortex deploy, ${apis.length} APIs up to date, ${program} / kubectl get deployments`,
      },
    ]),
  ];
}

async function timeOnCluster(
  programs: Readonly<Record<string, string>>,
  bench: ClusterBench,
  project: string,
  run: Run,
): Promise<Record<string, Timing>> {
  const env = { ...homeVariables(bench), KUBECONFIG: testKubeconfig };
  const kubectl = ["kubectl", "-n", bench.namespace, "get"];
  const commands: Record<string, TimedCommand> = {
    "kubectl get deployments": { argv: [...kubectl, "deployments"], env },
    [`kubectl get ${read}`]: { argv: [...kubectl, read, "-l", "app.kubernetes.io/managed-by=cortex"], env },
  };
  for (const [program, file] of Object.entries(programs)) {
    commands[`cortex get, ${program}`] = { argv: [file, "get"], env };
    commands[`cortex deploy, ${program}`] = { argv: [file, "deploy", project], env };
  }
  run.say(`timing ${Object.keys(commands).length} commands ${rounds(run)} times`);
  await timeCommands(commands, 1, run.signal);
  return timeCommands(commands, rounds(run), run.signal);
}

/** The least of many runs is what a command costs; the rest is what else the machine did. */
function row(what: string, timing: Timing, base: Timing, goal?: number): Row {
  const least = Math.min(...timing.cpuMs);
  const ratio = least / Math.min(...base.cpuMs);
  const walls = `wall ${Math.min(...timing.wallMs).toFixed(0)} ms, median ${median(timing.wallMs).toFixed(0)} ms`;
  return {
    what,
    figure: `${ratio.toFixed(2)} x  processor ${least.toFixed(1)} ms, ${walls} (${showRatio(timing, base)} x)`,
    ...(goal !== undefined && { goal: `at most ${goal}x`, met: ratio <= goal }),
    data: timing,
  };
}

/** Of the walls, by their medians. */
function showRatio(timing: Timing, base: Timing): string {
  return (median(timing.wallMs) / median(base.wallMs)).toFixed(2);
}
