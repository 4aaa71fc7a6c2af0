import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import { describe, expect, test } from "vitest";
import { prioritiesText } from "../../src/cluster/addons/cloud/autoscaler.ts";
import { health } from "../../src/cluster/addons/health.ts";
import { kindOf } from "../../src/cluster/addons/kinds.ts";
import { planInstall } from "../../src/cluster/addons/plan-install.ts";
import { insideChanges, insideSettings } from "../../src/cluster/inside.ts";
import { kubernetesInside } from "../../src/cluster/lifecycle/kubernetes-inside.ts";
import type { ReachableCluster } from "../../src/core/cloud-cluster.ts";
import { type CloudSettings, type InstallPlan, type InstallWishes, isNothingToDo } from "../../src/core/cluster.ts";
import type { CortexError } from "../../src/core/errors.ts";
import type { KubeObject } from "../../src/kubernetes/objects.ts";
import { parseCluster } from "../../src/spec/parse-cluster.ts";
import { addonsFolder } from "./support/addons-folder.ts";
import { apiService, deployment, describedCluster, namespaced, node, object } from "./support/described-cluster.ts";

const { signal } = new AbortController();
const now = () => Date.parse("2026-11-26T12:00:00Z");
const bare = [
  namespaced("default"),
  namespaced("kube-system"),
  node("one"),
  apiService("v1beta1.metrics.k8s.io", "kube-system", "metrics-server"),
  deployment(
    "kube-system",
    "metrics-server",
    "602401143452.dkr.ecr.us-east-1.amazonaws.com/eks/metrics-server:v0.8.0-eksbuild.2",
  ),
];

const cloud: CloudSettings = {
  provider: "aws",
  cluster: "models",
  region: "us-east-1",
  kubernetesVersion: "1.34",
  logGroup: "/cortex/models",
  nodeGroups: [{ name: "cpu", priority: 1, label: "cpu" }],
  loadBalancer: { type: "nlb", scheme: "internet-facing", whiteList: [], tags: { team: "vision" } },
};
const withDevices: CloudSettings = {
  ...cloud,
  nodeGroups: [
    ...cloud.nodeGroups,
    { name: "gpu", priority: 5, label: "gpu", devices: "gpu" },
    { name: "gpu_base", priority: 5, label: "gpu", devices: "gpu" },
    { name: "inf", priority: 3, label: "inf", devices: "inf" },
  ],
};

async function plan(cluster: readonly KubeObject[], wishes: Partial<InstallWishes> = {}): Promise<InstallPlan> {
  const folder = await addonsFolder();
  const ports = { client: describedCluster(cluster), now, onDownload: () => {} };
  try {
    return await planInstall({ namespace: "default", addonsDir: folder, skip: [], ...wishes }, ports, signal);
  } finally {
    await rm(dirname(folder), { recursive: true });
  }
}

const actions = ({ addons }: InstallPlan) => Object.fromEntries(addons.map(({ name, action }) => [name, action]));
const objectsOf = ({ addons }: InstallPlan, name: string) =>
  (addons.find((one) => one.name === name)?.objects ?? []) as readonly Loose[];

// biome-ignore lint/suspicious/noExplicitAny: fields of kinds that have no type here.
type Loose = KubeObject & { readonly [field: string]: any };

/** The cluster after `done` was applied and has become ready. */
function applied(before: readonly KubeObject[], done: InstallPlan): readonly KubeObject[] {
  const ready = {
    observedGeneration: 1,
    updatedReplicas: 2,
    availableReplicas: 2,
    conditions: [{ type: "Programmed", status: "True" }],
  };
  const everywhere = {
    observedGeneration: 1,
    desiredNumberScheduled: 1,
    updatedNumberScheduled: 1,
    numberAvailable: 1,
  };
  const isSettings = ({ kind, metadata }: KubeObject) => kind === "ConfigMap" && metadata.name === "cortex";
  const written = (before.find(isSettings) as Loose | undefined)?.data.installed ?? "{}";
  const added = Object.fromEntries(done.addons.flatMap(({ name, release }) => (release ? [[name, release]] : [])));
  const labels = { "app.kubernetes.io/managed-by": "cortex", "cortex.dev/addon": "settings" };
  const settings = object(
    "v1",
    "ConfigMap",
    { name: "cortex", namespace: "cortex-system", labels },
    { data: { ...done.settings, installed: JSON.stringify({ ...JSON.parse(written), ...added }) } },
  );
  const key = ({ kind, metadata }: KubeObject) => `${kind} ${metadata.namespace}/${metadata.name}`;
  const surplus = new Set(done.addons.flatMap((one) => (one.surplus ?? []) as KubeObject[]).map(key));
  const objects = [...done.before, ...done.addons.flatMap((one) => one.objects), ...done.after] as KubeObject[];
  const made = objects
    .filter(({ kind }) => kind !== "Job")
    .map((one) => ({
      ...one,
      metadata: { ...one.metadata, generation: 1 },
      status: one.kind === "DaemonSet" ? everywhere : ready,
    }));
  const isNew = new Set([...made, settings].map(key));
  return [...before.filter((one) => !isNew.has(key(one)) && !surplus.has(key(one))), ...made, settings];
}

function withAddress(one: KubeObject): KubeObject {
  if (one.kind !== "Gateway") return one;
  const { status } = one as Loose;
  return { ...one, status: { ...status, addresses: [{ value: "models.elb.us-east-1.amazonaws.com" }] } } as KubeObject;
}

describe("what a cluster on AWS has besides", () => {
  test("is nothing in a cluster that is in no cloud", async () => {
    expect(Object.keys(actions(await plan(bare)))).not.toContain("cluster-autoscaler");
  });

  test("is an autoscaler, logs and disks, and for each kind of device what makes it known", async () => {
    expect(actions(await plan(bare, { cloud }))).toMatchObject({
      "metrics-server": "use",
      "cluster-autoscaler": "install",
      "fluent-bit": "install",
      "storage-class": "install",
    });
    const devices = await plan(bare, { cloud: withDevices });
    expect(actions(devices)).toMatchObject({ "nvidia-device-plugin": "install", "neuron-device-plugin": "install" });
    const plugin = objectsOf(devices, "nvidia-device-plugin").find(({ kind }) => kind === "DaemonSet");
    const [term] =
      plugin!.spec.template.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms;
    expect(term.matchExpressions).toEqual([{ key: "cortex.dev/node-group", operator: "In", values: ["gpu"] }]);
  });

  test("is made of kinds that are found and removed again", async () => {
    const { addons } = await plan(bare, { cloud: withDevices });
    const objects = addons.flatMap((one) => one.objects) as readonly KubeObject[];
    expect(objects.filter((one) => kindOf(one) === undefined)).toEqual([]);
  });

  test("is written down in the cluster, so that another machine completes it without the file", async () => {
    const cluster = applied(bare, await plan(bare, { cloud: withDevices }));
    expect(isNothingToDo(await plan(cluster))).toBe(true);
    expect(isNothingToDo(await plan(cluster, { cloud: withDevices }))).toBe(true);
    const without = cluster.filter(
      ({ kind, metadata }) => kind !== "Deployment" || metadata.name !== "cluster-autoscaler",
    );
    const completed = await plan(without);
    expect(actions(completed)).toMatchObject({ "cluster-autoscaler": "update", "fluent-bit": "keep" });
    expect(objectsOf(completed, "cluster-autoscaler").map(({ kind }) => kind)).toEqual(["Deployment"]);
  });

  test("goes when no node needs it any more", async () => {
    const cluster = applied(bare, await plan(bare, { cloud: withDevices }));
    const fewer = await plan(cluster, { cloud });
    expect(actions(fewer)).toMatchObject({ "nvidia-device-plugin": "remove", "neuron-device-plugin": "remove" });
    expect(isNothingToDo(fewer)).toBe(false);
    const after = applied(cluster, fewer);
    expect(actions(await plan(after))).not.toHaveProperty("nvidia-device-plugin");
    expect(isNothingToDo(await plan(after))).toBe(true);
  });

  test("knows the metrics server that EKS brings", async () => {
    const { addons } = await plan(bare, { cloud });
    expect(addons.find(({ name }) => name === "metrics-server")?.version).toBe("v0.8.0-eksbuild.2");
  });

  test("can be left out", async () => {
    expect(actions(await plan(bare, { cloud, skip: ["fluent-bit"] }))).toMatchObject({ "fluent-bit": "skip" });
  });

  test("follows the version of Kubernetes", async () => {
    const cluster = applied(bare, await plan(bare, { cloud }));
    const upgraded = await plan(cluster, { cloud: { ...cloud, kubernetesVersion: "1.35" } });
    const [program] = objectsOf(upgraded, "cluster-autoscaler");
    expect(program?.spec.template.spec.containers[0].image).toMatch(/:v1\.35\./);
    expect(actions(upgraded)).toMatchObject({ "fluent-bit": "keep" });
  });

  test("makes its disks the default only where no other class is", async () => {
    const annotations = { "storageclass.kubernetes.io/is-default-class": "true" };
    const other = object("storage.k8s.io/v1", "StorageClass", { name: "standard", annotations });
    const isDefault = async (cluster: readonly KubeObject[]) => {
      const [made] = objectsOf(await plan(cluster, { cloud }), "storage-class");
      return made?.metadata.annotations?.["storageclass.kubernetes.io/is-default-class"];
    };
    expect(await isDefault(bare)).toBe("true");
    expect(await isDefault([...bare, other])).toBe("false");
  });

  test("is told by `health`, and is missing in no other cluster", async () => {
    const read = async (cluster: readonly KubeObject[]) => {
      const options = { name: "aws", client: describedCluster(cluster), gateway: undefined, prometheus: undefined };
      const rows = await health(options, signal);
      return Object.fromEntries(rows.map(({ name, status }) => [name, status]));
    };
    expect(Object.keys(await read(bare))).toHaveLength(6);
    const cluster = applied(bare, await plan(bare, { cloud: withDevices }));
    expect(await read(cluster)).toMatchObject({
      "cluster-autoscaler": "ok",
      "fluent-bit": "ok",
      "storage-class": "ok",
      "neuron-device-plugin": "ok",
    });
    const halved = cluster.filter(({ kind, metadata }) => kind !== "DaemonSet" || metadata.name !== "fluent-bit");
    expect(await read(halved)).toMatchObject({ "fluent-bit": "down" });
  });
});

describe("the autoscaler's priorities", () => {
  test("name the groups as EKS does, the highest first", () => {
    expect(prioritiesText(withDevices.nodeGroups)).toBe(
      [
        "5:",
        '  - "^eks-gpu-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"',
        '  - "^eks-gpu_base-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"',
        "3:",
        '  - "^eks-inf-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"',
        "1:",
        '  - "^eks-cpu-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"',
        "",
      ].join("\n"),
    );
  });
});

describe("the load balancer before the APIs", () => {
  const prefix = "service.beta.kubernetes.io/aws-load-balancer-";
  async function made(loadBalancer: Partial<CloudSettings["loadBalancer"]>) {
    const wish = { ...cloud, loadBalancer: { ...cloud.loadBalancer, ...loadBalancer } };
    const objects = objectsOf(await plan(bare, { cloud: wish }), "gateway");
    const of = (kind: string) => objects.find((one) => one.kind === kind);
    const { envoyService, envoyPDB } = of("EnvoyProxy")!.spec.provider.kubernetes;
    return { service: envoyService, budget: envoyPDB, listeners: of("Gateway")!.spec.listeners as readonly Loose[] };
  }

  test("is a network load balancer with the tags of the cluster, before two proxies of which one stays", async () => {
    const { service, budget, listeners } = await made({ tags: { team: "vision", odd: "a=b,c" } });
    expect(service.annotations).toEqual({
      [`${prefix}type`]: "nlb",
      [`${prefix}cross-zone-load-balancing-enabled`]: "true",
      [`${prefix}backend-protocol`]: "tcp",
      [`${prefix}additional-resource-tags`]: "team=vision,cortex.dev/cluster-name=models",
    });
    expect(service).not.toHaveProperty("loadBalancerSourceRanges");
    expect(budget).toEqual({ minAvailable: 1 });
    expect(listeners.map(({ port }) => port)).toEqual([80]);
  });

  test("is internal, classic, and for few, as the file says", async () => {
    const { service } = await made({ type: "elb", scheme: "internal", whiteList: ["10.0.0.0/8"] });
    expect(service.annotations).toMatchObject({ [`${prefix}internal`]: "true" });
    expect(service.annotations).not.toHaveProperty(`${prefix}type`);
    expect(service.loadBalancerSourceRanges).toEqual(["10.0.0.0/8"]);
  });

  test("ends TLS with a certificate of AWS, and sends what it took off to a port of its own", async () => {
    const certificateArn = "arn:aws:acm:us-east-1:123456789012:certificate/1a2b";
    const { service, listeners } = await made({ certificateArn });
    expect(service.annotations).toMatchObject({ [`${prefix}ssl-cert`]: certificateArn, [`${prefix}ssl-ports`]: "443" });
    expect(listeners.map(({ protocol, port }) => [protocol, port])).toEqual([
      ["HTTP", 80],
      ["HTTP", 443],
    ]);
    const secret = object("v1", "Secret", { name: "tls", namespace: "cortex-system" });
    const wish = { ...cloud, loadBalancer: { ...cloud.loadBalancer, certificateArn } };
    const refused = await plan([...bare, secret], { cloud: wish, certificate: "tls" }).catch(
      (error: CortexError) => error,
    );
    expect(JSON.stringify(refused)).toContain("so the Gateway cannot, too");
  });
});

describe("a load balancer that is there", () => {
  const change = (loadBalancer: Partial<CloudSettings["loadBalancer"]>) => ({
    cloud: { ...cloud, loadBalancer: { ...cloud.loadBalancer, ...loadBalancer } },
  });

  test("stays of its type and where it is reached from, and changes in all else", async () => {
    const cluster = applied(bare, await plan(bare, { cloud })).map(withAddress);
    await expect(plan(cluster, change({ type: "elb", scheme: "internal" }))).rejects.toMatchObject({
      code: "NOT_SUPPORTED",
      problems: [
        {
          message: "api_load_balancer_type is nlb and cannot become elb",
          hint: expect.stringContaining("write what it has"),
        },
        { message: "api_load_balancer_scheme is internet-facing and cannot become internal" },
      ],
    });
    expect((await plan(cluster, change({ whiteList: ["10.0.0.0/8"] }))).addons).toContainEqual(
      expect.objectContaining({ name: "gateway", action: "update" }),
    );
  });

  test("is one of all things that stand against a plan", async () => {
    const there = applied(bare, await plan(bare, { cloud })).map(withAddress);
    const folder = await addonsFolder();
    const inside = kubernetesInside({
      clock: { now, sleep: async () => {} },
      version: "1.0.0",
      addonsDir: folder,
      connect: async () => describedCluster(there),
    });
    const reachable = { name: "models", region: "us-east-1" } as ReachableCluster;
    const question = { cloud: change({ scheme: "internal" }).cloud, reachable, needs: [] };
    const { problems } = await inside.view(question, signal);
    await rm(dirname(folder), { recursive: true });
    expect(problems).toMatchObject([
      { message: "api_load_balancer_scheme is internet-facing and cannot become internal" },
    ]);
  });

  test("may become anything while nobody is led to it", async () => {
    const cluster = applied(bare, await plan(bare, { cloud }));
    const changed = await plan(cluster, change({ type: "elb" }));
    expect(changed.addons.find(({ name }) => name === "gateway")?.action).toBe("update");
  });
});

describe("what is told of it", () => {
  test("follows from cluster.yaml and the groups that EKS has", async () => {
    const text = "region: us-east-1\ncluster_name: models\nnode_groups: [{name: gpu, instance_type: g4dn.xlarge}]\n";
    const { cluster } = await parseCluster({ file: "cluster.yaml", text, variables: {} });
    const groups = [{ name: "gpu_base", group: "gpu", priority: 7, taints: [{ key: "nvidia.com/gpu" }] }];
    expect(insideSettings(cluster, "1.34", groups, "/cortex/models")).toEqual({
      ...cloud,
      nodeGroups: [{ name: "gpu_base", priority: 7, label: "gpu", devices: "gpu" }],
      loadBalancer: { type: "nlb", scheme: "internet-facing", whiteList: [], tags: {} },
    });
  });

  test("is all to come before there is a cluster, and one line where only settings differ", async () => {
    const toCome = insideChanges(cloud, undefined, ["control-plane"]);
    expect(new Set(toCome.map(({ action }) => action))).toEqual(new Set(["create"]));
    expect(toCome.map(({ id }) => id)).toContain("inside/cluster-autoscaler");
    expect(toCome.map(({ id }) => id)).not.toContain("inside/nvidia-device-plugin");

    const cluster = applied(bare, await plan(bare, { cloud }));
    expect(insideChanges(cloud, await plan(cluster), []).filter(({ action }) => action !== "keep")).toEqual([]);
    const moved = {
      ...cloud,
      logGroup: "/cortex/models",
      region: "us-east-1",
      kubernetesVersion: "1.34",
      provider: "aws" as const,
    };
    const reordered = await plan(cluster, { cloud: { ...moved, loadBalancer: { ...cloud.loadBalancer, tags: {} } } });
    const changed = insideChanges(cloud, reordered, []).filter(({ action }) => action !== "keep");
    expect(changed.map(({ id, action }) => [id, action])).toEqual([["inside/gateway", "update"]]);
  });
});
