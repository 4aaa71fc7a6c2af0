// How Cortex does on a cluster, beside kubectl on the same one. `node test/bench/kubernetes.ts [--json FILE] [--quick]`
// Needs CORTEX_TEST_KUBECONFIG, as the tests do, and kubectl. With CORTEX_BENCH_MANY=1 it also lists 1,000 APIs, for which it stops KEDA.
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
import { projectRoot } from "../../scripts/toolchain.mjs";
import type { KubeObject } from "../../src/kubernetes/objects.ts";
import { resource } from "../../src/kubernetes/objects.ts";
import { testKubeconfig } from "../support/cluster.ts";
import { type ClusterBench, createClusterBench } from "../support/cluster-bench.ts";
import { builtCommand, homeVariables, mustRun } from "./harness/cortex-home.ts";
import { peakMemoryKib } from "./harness/peak-memory.ts";
import { benchmark, type Row, type Run } from "./harness/program.ts";
import { median, pairedDifferences, pairedRatios, showSummary } from "./harness/stats.ts";
import { timeCommands } from "./harness/timed-commands.ts";

const many = process.env.CORTEX_BENCH_MANY === "1";
const kubectlVariables = { ...(process.env as Record<string, string>), KUBECONFIG: testKubeconfig };

/** Configuration of an API that needs no image and, with no replica, nothing of the node. */
const small = (name: string, replicas = "min_replicas: 1, max_replicas: 1") => `- name: ${name}
  kind: RealtimeAPI
  pod: {port: 8000, containers: [{name: server, image: "busybox:1.35", command: [httpd, -f, -p, "8000"], compute: {cpu: 20m, mem: 20Mi}}]}
  autoscaling: {${replicas}}
`;

await benchmark("kubernetes", async (run) => {
  if (testKubeconfig === "") throw new Error("CORTEX_TEST_KUBECONFIG names no cluster");
  await using bench = await createClusterBench();
  const rows: Row[] = [];
  // Told as they come: what is measured stays known when a later part fails.
  for (const part of [codeChange, unchanged, manyInOneFile, ...(many ? [thousand] : [])]) {
    const measured = await part(bench, run);
    for (const { what, figure } of measured) run.say(`${what}: ${figure}`);
    rows.push(...measured);
  }
  return rows;
});

async function kubectl(bench: ClusterBench, args: readonly string[], signal: AbortSignal): Promise<string> {
  const options = { env: kubectlVariables, signal, maxBuffer: 256 * 2 ** 20 };
  return (await promisify(execFile)("kubectl", ["-n", bench.namespace, ...args], options)).stdout;
}

/** A change of the iris example's code until it answers, against an image that is in the registry already set by kubectl. */
async function codeChange(bench: ClusterBench, { quick, signal, say }: Run): Promise<Row[]> {
  const example = join(projectRoot, "examples/iris");
  const names = ["cortex.yaml", "handler.py", "requirements.txt"];
  const files = await Promise.all(
    names.map(async (name) => [name, await readFile(join(example, name), "utf8")] as const),
  );
  const project = await bench.project(Object.fromEntries(files));
  const sample = await readFile(join(example, "sample.json"), "utf8");
  const code = Object.fromEntries(files)["handler.py"]!;
  say("the first deploy of the iris example, which installs its packages");
  await mustRun(bench, ["deploy", project]);
  const ours: number[] = [];
  const theirs: number[] = [];
  const images: string[] = [];
  const rounds = quick ? 2 : 5;
  for (let round = 1; round <= rounds; round += 1) {
    say(`code change, round ${round} of ${rounds}`);
    const marker = `round-${round}`;
    await writeFile(join(project, "handler.py"), marked(code, marker));
    const startedAt = performance.now();
    await mustRun(bench, ["deploy", project]);
    await untilAnswers(bench, marker, sample, signal);
    ours.push(performance.now() - startedAt);
    images.push(await imageOf(bench, signal));
    const before = images.at(-2) ?? images[0]!;
    const otherMarker = images.length > 1 ? `round-${round - 1}` : marker;
    if (images.length === 1) continue;
    const kubectlStartedAt = performance.now();
    await kubectl(bench, ["set", "image", "deployment/iris", `api=${before}`], signal);
    await kubectl(bench, ["rollout", "status", "deployment/iris"], signal);
    theirs.push(performance.now() - kubectlStartedAt);
    await untilAnswers(bench, otherMarker, sample, signal);
    await mustRun(bench, ["deploy", project]);
  }
  await mustRun(bench, ["delete", "iris", "-f"]);
  const row = {
    what: "code change of iris: cortex deploy until the new revision answers",
    figure: `${showSummary(ours)} ms`,
    data: ours,
  };
  if (theirs.length === 0) return [row];
  const above = pairedDifferences(ours.slice(1), theirs);
  return [
    row,
    {
      what: "kubectl set image + rollout status, image in the registry",
      figure: `${showSummary(theirs)} ms`,
      data: theirs,
    },
    {
      what: "code change above kubectl",
      figure: `${showSummary(above)} ms`,
      goal: "at most 1,500 ms",
      met: median(above) <= 1_500,
      data: above,
    },
  ];
}

/** `code` whose answers carry `marker` in a header. */
function marked(code: string, marker: string): string {
  return `${code}\n\n_predict = Handler.handle_post\n\n\ndef _marked(self, payload):\n    return [${JSON.stringify(marker)}, _predict(self, payload)]\n\n\nHandler.handle_post = _marked\n`;
}

async function untilAnswers(bench: ClusterBench, marker: string, body: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const headers = { "content-type": "application/json" };
    const response = await bench.request("/iris", { method: "POST", body, headers }).catch(() => undefined);
    if ((await response?.text())?.includes(marker)) return;
    await wait(10, undefined, { signal });
  }
}

async function imageOf(bench: ClusterBench, signal: AbortSignal): Promise<string> {
  const path = "jsonpath={.spec.template.spec.containers[0].image}";
  return kubectl(bench, ["get", "deployment", "iris", "-o", path], signal);
}

async function unchanged(bench: ClusterBench, { quick, signal, say }: Run): Promise<Row[]> {
  say("deploying what is up to date");
  const names = ["one", "two", "three"];
  const project = await bench.project({ "cortex.yaml": names.map((name) => small(name)).join("") });
  await mustRun(bench, ["deploy", project]);
  const env = { ...homeVariables(bench), KUBECONFIG: testKubeconfig };
  const commands = {
    deploy: { argv: [builtCommand(), "deploy", project], env },
    get: { argv: [builtCommand(), "get"], env },
    kubectl: { argv: ["kubectl", "-n", bench.namespace, "get", "deployments"], env: kubectlVariables },
  };
  await timeCommands(commands, 2, signal);
  const { deploy, get, kubectl: theirs } = await timeCommands(commands, quick ? 5 : 20, signal);
  await mustRun(bench, ["delete", ...names, "-f"]);
  const against = (what: string, ratios: readonly number[], goal: number): Row => ({
    what,
    figure: `${showSummary(ratios, 2)} x`,
    goal: `at most ${goal}x`,
    met: median(ratios) <= goal,
    data: ratios,
  });
  return [
    { what: "cortex deploy, 3 APIs up to date", figure: `${showSummary(deploy.wallMs)} ms`, data: deploy },
    { what: "cortex get, 3 APIs", figure: `${showSummary(get.wallMs)} ms`, data: get },
    { what: "kubectl get deployments, the same 3", figure: `${showSummary(theirs.wallMs)} ms`, data: theirs },
    against("up to date / kubectl get deployments, wall", pairedRatios(deploy.wallMs, theirs.wallMs), 2),
    against("cortex get / kubectl get deployments, wall", pairedRatios(get.wallMs, theirs.wallMs), 1.2),
  ];
}

/** 100 APIs whose Deployments have no room, so that only the writing is measured: kubectl applies the same objects. */
async function manyInOneFile(bench: ClusterBench, { quick, signal, say }: Run): Promise<Row[]> {
  const count = 100;
  say(`${count} APIs in one file`);
  const names = Array.from({ length: count }, (_, index) => `many-${index}`);
  const project = await bench.project({ "cortex.yaml": names.map((name) => small(name)).join("") });
  const objects = (await mustRun(bench, ["deploy", project, "--dry-run", "-o", "yaml"])).stdout;
  const folder = await mkdtemp(join(tmpdir(), "cortex-bench-"));
  const quota = {
    apiVersion: "v1",
    kind: "ResourceQuota",
    metadata: { name: "no-pods" },
    spec: { hard: { pods: "0" } },
  };
  const file = join(folder, "objects.yaml");
  await writeFile(file, objects);
  const ours: number[] = [];
  const theirs: number[] = [];
  await bench.client.create(
    { ...quota, metadata: { name: "no-pods", namespace: bench.namespace } } as KubeObject,
    signal,
  );
  try {
    for (let round = 1; round <= (quick ? 1 : 3); round += 1) {
      const startedAt = performance.now();
      await mustRun(bench, ["deploy", project, "--no-wait"]);
      ours.push(performance.now() - startedAt);
      await removeAll(bench, signal);
      const kubectlStartedAt = performance.now();
      await kubectl(bench, ["apply", "--server-side", "-f", file], signal);
      theirs.push(performance.now() - kubectlStartedAt);
      await removeAll(bench, signal);
    }
  } finally {
    await rm(folder, { recursive: true });
    await bench.client.remove(
      { ...resource.configMap, kind: "ResourceQuota", plural: "resourcequotas" },
      bench.namespace,
      "no-pods",
      {},
      signal,
    );
  }
  const ratios = pairedRatios(ours, theirs);
  return [
    { what: `deploy of ${count} new APIs, planned and applied`, figure: `${showSummary(ours)} ms`, data: ours },
    { what: "kubectl apply --server-side of the same objects", figure: `${showSummary(theirs)} ms`, data: theirs },
    {
      what: `deploy of ${count} APIs / kubectl apply`,
      figure: `${showSummary(ratios, 2)} x`,
      goal: "at most 2x",
      met: median(ratios) <= 2,
      data: ratios,
    },
  ];
}

async function removeAll(bench: ClusterBench, signal: AbortSignal): Promise<void> {
  const kinds = "configmap,deployment,service,httproute,scaledobject,hpa,serviceaccount,pdb,controllerrevision";
  await kubectl(bench, ["delete", kinds, "-l", "app.kubernetes.io/managed-by=cortex", "--wait=true"], signal);
}

/** What 1,000 APIs cost to list: objects alone, without replicas, and without the controllers that would add to them. */
async function thousand(bench: ClusterBench, { quick, signal, say }: Run): Promise<Row[]> {
  say("1,000 APIs");
  const names = Array.from({ length: 1_000 }, (_, index) => `api-${index}`);
  const keda = ["-n", "keda", "scale", "deployment", "--all"];
  await kubectl(bench, [...keda, "--replicas=0"], signal);
  const quota = { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "no-pods", namespace: bench.namespace } };
  await bench.client.create({ ...quota, spec: { hard: { pods: "0" } } } as unknown as KubeObject, signal);
  try {
    for (let from = 0; from < names.length; from += 100) {
      const text = names
        .slice(from, from + 100)
        .map((name) => small(name))
        .join("");
      await mustRun(bench, ["deploy", await bench.project({ "cortex.yaml": text }), "--no-wait"]);
    }
    const env = { ...homeVariables(bench), KUBECONFIG: testKubeconfig };
    const commands = {
      cortex: { argv: [builtCommand(), "get"], env },
      kubectl: { argv: ["kubectl", "-n", bench.namespace, "get", "deployments", "-o", "wide"], env: kubectlVariables },
    };
    await timeCommands(commands, 1, signal);
    const { cortex, kubectl: theirs } = await timeCommands(commands, quick ? 3 : 15, signal);
    const ratios = pairedRatios(cortex.wallMs, theirs.wallMs);
    const memoryMib = (await peakMemoryKib([builtCommand(), "get"], env)) / 1024;
    return [
      { what: "cortex get, 1,000 APIs", figure: `${showSummary(cortex.wallMs)} ms`, data: cortex },
      { what: "kubectl get deployments -o wide, the same", figure: `${showSummary(theirs.wallMs)} ms`, data: theirs },
      {
        what: "cortex get / kubectl get of 1,000, wall",
        figure: `${showSummary(ratios, 2)} x`,
        goal: "at most 1.5x",
        met: median(ratios) <= 1.5,
        data: ratios,
      },
      {
        what: "cortex get of 1,000, peak memory",
        figure: `${memoryMib.toFixed(0)} MiB`,
        goal: "at most 250 MiB",
        met: memoryMib <= 250,
      },
    ];
  } finally {
    await removeAll(bench, signal);
    await kubectl(bench, [...keda, "--replicas=1"], signal);
  }
}
