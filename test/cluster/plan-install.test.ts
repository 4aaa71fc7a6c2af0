import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { describe, expect, test } from "vitest";
import { planInstall } from "../../src/cluster/addons/plan-install.ts";
import { type InstallPlan, type InstallWishes, isNothingToDo } from "../../src/core/cluster.ts";
import type { CortexError } from "../../src/core/errors.ts";
import type { KubeObject } from "../../src/kubernetes/objects.ts";
import { addonsFolder, manifests } from "./support/addons-folder.ts";
import {
  apiService,
  crd,
  deployment,
  describedCluster,
  namespaced,
  node,
  object,
  service,
} from "./support/described-cluster.ts";

const { signal } = new AbortController();
const now = () => Date.parse("2026-11-26T12:00:00Z");
const bare = [namespaced("default"), namespaced("kube-system"), node("one")];
const metricsServer = [
  apiService("v1beta1.metrics.k8s.io", "kube-system", "metrics-server"),
  deployment("kube-system", "metrics-server", "registry.k8s.io/metrics-server/metrics-server:v0.7.1"),
];

async function plan(
  cluster: readonly KubeObject[],
  wishes: Partial<InstallWishes> = {},
  files = manifests,
): Promise<InstallPlan> {
  const folder = await addonsFolder(files);
  const ports = { client: describedCluster(cluster), now, onDownload: () => {} };
  try {
    return await planInstall({ namespace: "models", addonsDir: folder, skip: [], ...wishes }, ports, signal);
  } finally {
    await rm(dirname(folder), { recursive: true });
  }
}

/** @returns every reason why nothing is installed */
async function reasons(...asked: Parameters<typeof plan>): Promise<readonly string[]> {
  const error = await plan(...asked).then(
    () => undefined,
    (thrown: CortexError) => thrown,
  );
  return (error?.problems ?? []).map(({ message, hint }) => `${message} | ${hint}`);
}

const actions = ({ addons }: InstallPlan) => Object.fromEntries(addons.map(({ name, action }) => [name, action]));

/** The cluster after `done` was applied and has become ready. */
function applied(before: readonly KubeObject[], done: InstallPlan): readonly KubeObject[] {
  const objects = [...done.before, ...done.addons.flatMap((one) => one.objects), ...done.after] as KubeObject[];
  const ready = {
    observedGeneration: 1,
    updatedReplicas: 2,
    availableReplicas: 2,
    conditions: [{ type: "Programmed", status: "True" }],
  };
  const installed = Object.fromEntries(done.addons.flatMap(({ name, release }) => (release ? [[name, release]] : [])));
  const settings = object(
    "v1",
    "ConfigMap",
    {
      name: "cortex",
      namespace: "cortex-system",
      labels: { "app.kubernetes.io/managed-by": "cortex", "cortex.dev/addon": "settings" },
    },
    { data: { ...done.settings, installed: JSON.stringify(installed) } },
  );
  const made = objects
    .filter(({ kind }) => kind !== "Job")
    .map((one) => ({ ...one, metadata: { ...one.metadata, generation: 1 }, status: ready }));
  return [...before, ...made, settings];
}

describe("a plan of what to install", () => {
  test("into a bare cluster brings all of it, with a Gateway of our own", async () => {
    const planned = await plan(bare);
    expect(actions(planned)).toEqual({
      "gateway-api": "install",
      "envoy-gateway": "install",
      gateway: "install",
      keda: "install",
      prometheus: "install",
      "metrics-server": "install",
    });
    expect(planned.settings).toEqual({
      gateway: "cortex-system/cortex",
      gatewayController: "gateway.envoyproxy.io/gatewayclass-controller",
      prometheus: "http://prometheus.cortex-system:9090",
    });
    expect(isNothingToDo(planned)).toBe(false);
  });

  test("is nothing to do in a cluster where it was done", async () => {
    const cluster = applied(bare, await plan(bare));
    const again = await plan(cluster);
    expect(isNothingToDo(again)).toBe(true);
    expect(new Set(Object.values(actions(again)))).toEqual(new Set(["keep"]));
  });

  test("brings back just what is missing, and the short-lived job only with it", async () => {
    const cluster = applied(bare, await plan(bare));
    const without = (kind: string, name: string) =>
      cluster.filter((one) => one.kind !== kind || one.metadata.name !== name);
    const completed = await plan(without("Deployment", "keda-operator"));
    expect(actions(completed)).toMatchObject({ keda: "complete", "envoy-gateway": "keep" });
    expect(
      completed.addons.flatMap(({ objects }) => objects as KubeObject[]).map(({ metadata }) => metadata.name),
    ).toEqual(["keda-operator"]);
    const rebuilt = await plan(without("Deployment", "envoy-gateway"));
    expect(
      rebuilt.addons
        .flatMap(({ objects }) => objects as KubeObject[])
        .map(({ kind }) => kind)
        .toSorted(),
    ).toEqual(["Deployment", "Job"]);
  });

  test("takes away what an older version of ours brought, but for definitions", async () => {
    const cluster = applied(bare, await plan(bare));
    const labels = { "app.kubernetes.io/managed-by": "cortex", "cortex.dev/addon": "keda" };
    const old = object("v1", "ConfigMap", { name: "old", namespace: "keda", labels });
    const oldKind = { ...crd("old.keda.sh"), metadata: { name: "old.keda.sh", labels } };
    const keda = (await plan([...cluster, old, oldKind])).addons.find(({ name }) => name === "keda")!;
    expect(keda.surplus).toEqual([expect.objectContaining({ kind: "ConfigMap" })]);
  });

  test("leaves the Gateway API's CRDs out of Envoy Gateway's manifest, and puts our labels on all that it writes", async () => {
    const { addons, before, after } = await plan(bare);
    const objects = [...before, ...addons.flatMap((one) => one.objects), ...after] as KubeObject[];
    const definitions = addons.find(({ name }) => name === "envoy-gateway")!.objects as KubeObject[];
    expect(definitions.map(({ metadata }) => metadata.name)).not.toContain("gateways.gateway.networking.k8s.io");
    for (const { metadata } of objects) {
      expect(metadata.labels).toMatchObject({ "app.kubernetes.io/managed-by": "cortex" });
      expect(metadata.labels).toHaveProperty(["cortex.dev/addon"]);
    }
  });

  test("uses what others installed, whatever version above the oldest", async () => {
    const theirs = [
      ...bare,
      ...metricsServer,
      namespaced("monitoring"),
      deployment("monitoring", "prometheus-server", "quay.io/prometheus/prometheus:v2.55.0"),
      service("monitoring", "prom", "prometheus-server", 80),
      deployment("ops", "keda", "ghcr.io/kedacore/keda:2.16.1"),
      crd("scaledobjects.keda.sh"),
    ];
    const planned = await plan(theirs);
    expect(actions(planned)).toMatchObject({ keda: "use", prometheus: "use", "metrics-server": "use" });
    expect(planned.addons.find(({ name }) => name === "keda")).toMatchObject({ version: "2.16.1", where: "ops/keda" });
    expect(planned.settings.prometheus).toBe("http://prom.monitoring");
  });

  test("leaves a namespace that was there to its owner", async () => {
    const planned = await plan([...bare, namespaced("keda")]);
    const keda = planned.addons.find(({ name }) => name === "keda")!;
    expect((keda.objects as KubeObject[]).map(({ kind }) => kind)).not.toContain("Namespace");
    expect(keda.notes).toContain("namespace keda was there before, and stays");
  });

  test("trusts the kubelets of kind, whose certificates nobody signed", async () => {
    const args = (planned: InstallPlan) =>
      JSON.stringify(planned.addons.find(({ name }) => name === "metrics-server")!.objects);
    expect(args(await plan([node("kind", "kind://docker/kind/kind-control-plane")]))).toContain(
      "--kubelet-insecure-tls",
    );
    expect(args(await plan(bare))).not.toContain("--kubelet-insecure-tls");
  });

  test("without metrics-server in the folder goes without; without KEDA in it stops and says where to get it", async () => {
    const { "metrics-server": _, ...rest } = manifests;
    expect(actions(await plan(bare, {}, rest))).toMatchObject({ "metrics-server": "skip" });
    const { keda: __, ...others } = manifests;
    const [reason] = await reasons(bare, {}, others);
    expect(reason).toMatch(/has no keda\.yaml \| download it there from https:\/\/github\.com\/kedacore/);
  });

  test("leaves out what is skipped", async () => {
    expect(actions(await plan(bare, { skip: ["keda", "metrics-server"] }))).toMatchObject({
      keda: "skip",
      "metrics-server": "skip",
    });
  });
});

describe("a Gateway of somebody else", () => {
  const gateway = (from: string, programmed = "True") =>
    object(
      "gateway.networking.k8s.io/v1",
      "Gateway",
      { name: "public", namespace: "infra", generation: 1 },
      {
        spec: {
          gatewayClassName: "cilium",
          listeners: [{ name: "web", protocol: "HTTP", port: 80, allowedRoutes: { namespaces: { from } } }],
        },
        status: { conditions: [{ type: "Programmed", status: programmed, reason: "Invalid", message: "port in use" }] },
      },
    );
  const gatewayClass = object(
    "gateway.networking.k8s.io/v1",
    "GatewayClass",
    { name: "cilium" },
    { spec: { controllerName: "io.cilium/gateway-controller" } },
  );
  const api = crd("gateways.gateway.networking.k8s.io", { "gateway.networking.k8s.io/bundle-version": "v1.2.0" });
  const cluster = (...more: KubeObject[]) => [...bare, api, gatewayClass, ...more];

  test("is used as it is, and Envoy Gateway is not installed", async () => {
    const planned = await plan(cluster(gateway("All")), { gateway: "infra/public" });
    expect(actions(planned)).toMatchObject({ gateway: "use", "envoy-gateway": "skip", "gateway-api": "use" });
    expect(planned.settings).toMatchObject({
      gateway: "infra/public",
      gatewayController: "io.cilium/gateway-controller",
    });
  });

  test("that is not there, not programmed, or closed to the namespace is refused with what to change", async () => {
    const wish = { gateway: "infra/public" };
    expect(await reasons(cluster(), wish)).toEqual([
      "there is no Gateway infra/public | leave --gateway out, and one is made",
    ]);
    expect(await reasons(cluster(gateway("All", "False")), wish)).toEqual([
      "Gateway infra/public is not programmed: port in use | kubectl -n infra describe gateway public",
    ]);
    const [closed] = await reasons(cluster(gateway("Same")), wish);
    expect(closed).toContain(
      "takes no routes of namespace models: listeners[web].allowedRoutes.namespaces.from is Same",
    );
    expect(closed).toContain("set spec.listeners[].allowedRoutes.namespaces.from to All");
  });

  test("stays in use when the command is run again without naming it", async () => {
    const settings = object(
      "v1",
      "ConfigMap",
      { name: "cortex", namespace: "cortex-system", labels: {} },
      { data: { gateway: "infra/public" } },
    );
    expect(actions(await plan(cluster(gateway("All"), settings)))).toMatchObject({ gateway: "use" });
  });

  test("of a class that no controller takes is refused", async () => {
    const [reason] = await reasons(cluster(), { gatewayClass: "cilium" });
    expect(reason).toContain("GatewayClass cilium is not accepted");
  });
});

describe("a cluster that cannot be used as it is", () => {
  test.for([
    [
      "an older Gateway API",
      [crd("httproutes.gateway.networking.k8s.io", { "gateway.networking.k8s.io/bundle-version": "v1.1.0" })],
      /is v1\.1\.0; Envoy Gateway v1\.9\.1 needs v1\.5\.0 or newer.*--gateway/,
    ],
    [
      "KEDA from years ago",
      [crd("scaledobjects.keda.sh"), deployment("keda", "keda", "kedacore/keda:2.5.0")],
      /keda is 2\.5\.0; APIs need 2\.13\.0.*--skip keda/,
    ],
    [
      "CRDs that nothing serves",
      [crd("scaledobjects.keda.sh")],
      /kinds of keda .* and nothing that serves them.*kubectl delete crd scaledobjects\.keda\.sh/,
    ],
    [
      "another adapter of external metrics",
      [apiService("v1beta1.external.metrics.k8s.io", "monitoring", "prometheus-adapter")],
      /monitoring\/prometheus-adapter serves external metrics/,
    ],
    [
      "an object where ours would go",
      [object("gateway.networking.k8s.io/v1", "GatewayClass", { name: "cortex" }, { spec: { controllerName: "x" } })],
      /GatewayClass cortex is in the cluster already, and is not Cortex's/,
    ],
  ] as const)("with %s is left alone, and the way out is said", async ([, objects, expected]) => {
    const found = await reasons([...bare, ...objects]);
    expect(found.join("\n")).toMatch(expected);
  });

  test("has all its reasons told at once", async () => {
    const found = await reasons([...bare, crd("scaledobjects.keda.sh"), crd("envoyproxies.gateway.envoyproxy.io")]);
    expect(found).toHaveLength(2);
  });
});

describe("a certificate", () => {
  const secret = (type: string, certificate = "") =>
    object("v1", "Secret", { name: "tls", namespace: "cortex-system" }, { type, data: { "tls.crt": certificate } });

  test("that is missing, of another type or none at all is refused", async () => {
    expect((await reasons(bare, { certificate: "tls" }))[0]).toMatch(
      /there is no Secret cortex-system\/tls.*create secret tls tls/,
    );
    expect((await reasons([...bare, secret("Opaque")], { certificate: "tls" }))[0]).toContain("is of type Opaque");
    expect((await reasons([...bare, secret("kubernetes.io/tls", "AAAA")], { certificate: "tls" }))[0]).toContain(
      "holds no certificate",
    );
  });
});

describe("a manifest", () => {
  test.for([
    [
      "of another version",
      { keda: manifests.keda!.replaceAll("2.21.0", "2.20.0") },
      /it runs kedacore\/keda:2\.20\.0, not 2\.21\.0/,
    ],
    [
      "that reaches into other namespaces",
      { keda: manifests.keda!.replace("namespace: keda}", "namespace: default}") },
      /in a namespace of somebody else/,
    ],
    [
      "with a kind that no add-on has",
      { keda: `${manifests.keda}---\napiVersion: v1\nkind: Pod\nmetadata: {name: x, namespace: keda}\n` },
      /no kind that an add-on is made of/,
    ],
    ["of something else", { "gateway-api": manifests.keda! }, /it defines no kinds of gateway\.networking\.k8s\.io/],
    ["that is no YAML", { keda: "a: [" }, /cannot understand .*keda\.yaml/],
  ] as const)("%s is refused", async ([, files, expected]) => {
    const error = await plan(bare, {}, { ...manifests, ...files }).catch((thrown: CortexError) => thrown);
    expect(error).toMatchObject({ code: "SPEC_INVALID" });
    expect(`${(error as CortexError).message}\n${(error as CortexError).details ?? ""}`).toMatch(expected);
  });
});
