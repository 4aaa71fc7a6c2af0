import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addonResource } from "../../src/cluster/addons/kinds.ts";
import { installRights, type Right, rulesOf } from "../../src/core/rights.ts";
import type { KubeClient } from "../../src/kubernetes/kube-client.ts";
import { type KubeObject, resource } from "../../src/kubernetes/objects.ts";
import { kubeconfigOf } from "../environments/kubernetes/support/deployer.ts";
import { clusterClient, scratchNamespace, testKubeconfig } from "../support/cluster.ts";
import { type Bench, createBench, eventually, type Ran } from "../support/cortex.ts";
import { differences, everything } from "./support/everything.ts";

const addons = process.env.CORTEX_TEST_ADDONS_DIR ?? "";
const isDisposable = process.env.CORTEX_TEST_CLUSTER_INSTALL === "1";
const { signal } = new AbortController();
/** An installation takes half a minute on an idle machine. */
const minutes = 60_000;

/**
 * Takes what all other tests of the cluster use away from it: only where CORTEX_TEST_CLUSTER_INSTALL=1 says that nobody else uses
 * the cluster, with manifests from the folder CORTEX_TEST_ADDONS_DIR.
 */
describe.skipIf(testKubeconfig === "" || addons === "" || !isDisposable)("add-ons in a real cluster", () => {
  let bench: Bench;
  let client: KubeClient;
  let before: ReadonlyMap<string, string>;

  const cluster = (...args: readonly string[]): Promise<Ran> =>
    bench.cortex(["cluster", ...args, "-e", "test"], { timeoutMs: 8 * minutes });
  const install = (...args: readonly string[]) => cluster("install", "--addons-dir", addons, "-y", ...args);
  const isAsBefore = () =>
    eventually(async () => {
      const left = differences(before, await everything(client, signal));
      if (left.length > 0) throw new Error(`different from before:\n${left.join("\n")}`);
      return true;
    }, 2 * minutes);

  /** Starts a command and kills it when it has said `pattern`, or `afterMs` later. */
  async function killed(pattern: RegExp, afterMs: number, ...args: readonly string[]): Promise<void> {
    const child = bench.start(["cluster", ...args, "-e", "test"]);
    const said = Promise.withResolvers<void>();
    let text = "";
    const listen = (chunk: Buffer) => {
      text += chunk.toString();
      if (pattern.test(text)) said.resolve();
    };
    child.stderr!.on("data", listen);
    child.stdout!.on("data", listen);
    const ended = new Promise<void>((end) => child.once("exit", () => end()));
    await Promise.race([said.promise, ended]);
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    child.kill("SIGKILL");
    await ended;
  }

  beforeAll(async () => {
    bench = await createBench({ KUBECONFIG: testKubeconfig });
    client = await clusterClient();
    await bench.cortex(["env", "configure", "test"]);
    await cluster("uninstall", "-y");
    before = await everything(client, signal);
  }, 10 * minutes);
  afterAll(async () => {
    await bench?.[Symbol.asyncDispose]();
    await client?.[Symbol.asyncDispose]();
  });

  test("come, are healthy, are not brought twice, and go without a trace", { timeout: 15 * minutes }, async () => {
    const first = await install("-o", "json");
    // Said where the cluster is slow to answer.
    expect(first.stderr.replace("looking at the cluster\n", "")).toBe("");
    expect(first.json()).toMatchObject({ gateway: "cortex-system/cortex", failures: [] });
    const again = await cluster("install", "--addons-dir", addons, "-o", "json");
    expect(again.json()).toMatchObject({ nothing_to_do: true, failures: [] });
    const health = await cluster("health", "-o", "json");
    expect(health.json()).toEqual({
      "gateway-api": true,
      "envoy-gateway": true,
      gateway: true,
      keda: true,
      prometheus: true,
      "metrics-server": true,
    });
    expect(health.status).toBe(0);

    await client.patch(resource.deployment, "keda", "keda-operator", { spec: { replicas: 0 } }, signal, "scale");
    const ill = await eventually(async () => {
      const ran = await cluster("health", "-o", "json");
      return ran.status === 1 ? ran : undefined;
    }, minutes);
    expect(ill.json()).toMatchObject({ keda: false, gateway: true });
    expect((await install()).stdout).toMatch(/keda\s+2\.21\.0\s+completed/);
    expect((await cluster("health")).status).toBe(0);

    const removed = await cluster("uninstall", "-y");
    expect(removed.status).toBe(0);
    await isAsBefore();
    expect((await cluster("uninstall", "-y")).stderr).toContain("nothing of Cortex's is installed");
  });

  test("come and go though the command is killed again and again", { timeout: 20 * minutes }, async () => {
    const args = ["install", "--addons-dir", addons, "-y"];
    await killed(/keda: applying/, 50, ...args);
    await killed(/gateway-api: (applying|ready)/, 1_500, ...args);
    await killed(/envoy-gateway: applying/, 300, ...args);
    await killed(/gateway: waiting/, 500, ...args);
    expect((await install()).status).toBe(0);
    expect((await install("-o", "json")).json()).toMatchObject({ nothing_to_do: true });

    await killed(/removing/, 100, "uninstall", "-y");
    await killed(/removing/, 1_500, "uninstall", "-y");
    await killed(/removing/, 4_000, "uninstall", "-y");
    expect((await cluster("uninstall", "-y")).status).toBe(0);
    await isAsBefore();
  });

  test("are not taken from those who use them without a question", { timeout: 15 * minutes }, async () => {
    expect(
      (await install("--skip", "prometheus", "--skip", "envoy-gateway", "--skip", "gateway", "--skip", "gateway-api"))
        .status,
    ).toBe(0);
    {
      await using scratch = await scratchNamespace("addons");
      await client.create(scaledObject(scratch.name), signal);
      const refused = await cluster("uninstall");
      expect(refused.status).toBe(2);
      expect(refused.stderr).toContain(`ScaledObject ${scratch.name}/theirs (keda)`);
      expect(refused.stderr).toContain("add -y to agree beforehand");
      const dry = await cluster("uninstall", "--dry-run", "-o", "json");
      expect(dry.json()).toMatchObject({ uses: [{ addon: "keda", object: `ScaledObject ${scratch.name}/theirs` }] });
      expect((await cluster("uninstall", "-y")).status).toBe(0);
    }
    await isAsBefore();
  });

  test("need just the rights that are printed; one who lacks them is told which, and nothing is half done", {
    timeout: 15 * minutes,
  }, async () => {
    const rbac = "rbac.authorization.k8s.io";
    const name = "cortex-test-installer";
    const allow = (rights: readonly Right[]) =>
      client.apply(
        { apiVersion: `${rbac}/v1`, kind: "ClusterRole", metadata: { name }, rules: rulesOf(rights) } as KubeObject,
        { force: true },
        signal,
      );
    {
      await using scratch = await scratchNamespace("addons");
      const kubeconfig = await kubeconfigOf(scratch.client, scratch.name);
      const binding = {
        apiVersion: `${rbac}/v1`,
        kind: "ClusterRoleBinding",
        metadata: { name },
        roleRef: { apiGroup: rbac, kind: "ClusterRole", name },
        subjects: [{ kind: "ServiceAccount", name: "deployer", namespace: scratch.name }],
      };
      await client.create(binding as KubeObject, signal);
      const as = (...args: readonly string[]) =>
        bench.cortex(["cluster", ...args, "-e", "test"], { env: { KUBECONFIG: kubeconfig }, timeoutMs: 8 * minutes });
      try {
        await bench.cortex(["env", "configure", "test", "--context", "test"], { env: { KUBECONFIG: kubeconfig } });
        await allow(installRights.filter(({ resource: kind }) => kind !== "customresourcedefinitions"));
        const refused = await eventually(async () => {
          const ran = await as("install", "--addons-dir", addons, "-y");
          if (/resources: \["customresourcedefinitions"\], verbs: \["list"\]/.test(ran.stderr)) return ran;
          throw new Error(`${ran.status}: ${ran.stderr}`);
        }, minutes);
        expect(refused.status).toBe(3);
        expect(refused.stdout).toBe("");
        await allow(installRights);
        await eventually(async () => (await as("health")).status !== 3, minutes);
        const installed = await as("install", "--addons-dir", addons, "-y");
        expect(installed.status, installed.stderr).toBe(0);
        const removed = await as("uninstall", "-y");
        expect(removed.status, removed.stderr).toBe(0);
      } finally {
        await client.remove(addonResource.clusterRoleBinding, undefined, name, {}, signal);
        await client.remove(addonResource.clusterRole, undefined, name, {}, signal);
        await bench.cortex(["env", "configure", "test", "--context", client.context]);
      }
    }
    await isAsBefore();
  });

  test("leave what others installed as it is", { timeout: 10 * minutes }, async () => {
    const name = "httproutes.gateway.networking.k8s.io";
    await client.create(oldDefinition(name), signal);
    try {
      const refused = await install();
      expect(refused.status).toBe(2);
      expect(refused.stderr).toContain(
        "the cluster's Gateway API is v1.1.0; Envoy Gateway v1.9.1 needs v1.5.0 or newer",
      );
      const found = await client.get<KubeObject>(addonResource.customResourceDefinition, undefined, name, signal);
      expect(found?.metadata.labels?.["app.kubernetes.io/managed-by"]).toBeUndefined();
    } finally {
      await client.remove(addonResource.customResourceDefinition, undefined, name, {}, signal);
    }
    await isAsBefore();
  });
});

function scaledObject(namespace: string): KubeObject {
  return {
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledObject",
    metadata: { name: "theirs", namespace },
    spec: {
      scaleTargetRef: { name: "nothing" },
      triggers: [
        { type: "cron", metadata: { timezone: "UTC", start: "0 1 * * *", end: "0 2 * * *", desiredReplicas: "1" } },
      ],
    },
  } as KubeObject;
}

function oldDefinition(name: string): KubeObject {
  const [plural = "", ...group] = name.split(".");
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name,
      annotations: {
        "api-approved.kubernetes.io": "unapproved, a test",
        "gateway.networking.k8s.io/bundle-version": "v1.1.0",
      },
    },
    spec: {
      group: group.join("."),
      scope: "Namespaced",
      names: { kind: "HTTPRoute", plural, singular: "httproute" },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
    },
  } as KubeObject;
}
