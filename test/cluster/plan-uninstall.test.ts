import { expect, test } from "vitest";
import type { ClusterFacts } from "../../src/cluster/addons/facts.ts";
import { type UninstallFacts, uninstallPlan } from "../../src/cluster/addons/plan-uninstall.ts";
import type { KubeObject } from "../../src/kubernetes/objects.ts";
import { resource } from "../../src/kubernetes/objects.ts";
import { object } from "./support/described-cluster.ts";

const ofAddon = (addon: string) => ({ "app.kubernetes.io/managed-by": "cortex", "cortex.dev/addon": addon });
const ofApi = (name: string) => ({
  "app.kubernetes.io/managed-by": "cortex",
  "app.kubernetes.io/name": name,
  "cortex.dev/kind": "RealtimeAPI",
});

function facts(changes: Partial<UninstallFacts> & { readonly ours?: readonly KubeObject[] }): UninstallFacts {
  const { ours = [], ...rest } = changes;
  const cluster: ClusterFacts = {
    ours,
    crds: [],
    apiServices: [],
    workloads: [],
    services: [],
    gatewayClasses: [],
    gateways: [],
    namespaces: [],
    nodes: [],
    storageClasses: [],
    settings: { prometheus: "http://prometheus.cortex-system:9090" },
  };
  return { cluster, instances: [], apis: [], inOurNamespaces: [], autoscalers: [], scaledObjects: [], ...rest };
}

const scaledObject = (name: string, labels: Record<string, string>) =>
  object("keda.sh/v1alpha1", "ScaledObject", { name, namespace: "models", labels });

test("a cluster without anything of ours has nothing to remove", () => {
  expect(uninstallPlan(facts({}))).toEqual({ addons: [], apis: [], uses: [] });
});

test("what uses an add-on is told: APIs by name, others as they are", () => {
  const plan = uninstallPlan(
    facts({
      ours: [object("v1", "Namespace", { name: "keda", labels: ofAddon("keda") })],
      apis: [object("v1", "ConfigMap", { name: "iris", namespace: "models", labels: ofApi("iris") })],
      instances: [
        {
          addon: "keda",
          type: resource.scaledObject,
          objects: [scaledObject("iris", ofApi("iris")), scaledObject("theirs", {})],
        },
      ],
    }),
  );
  expect(plan).toEqual({
    addons: [{ name: "keda", objects: 1 }],
    apis: ["models/iris"],
    uses: [
      { addon: "keda", object: "ScaledObject models/iris", api: "models/iris" },
      { addon: "keda", object: "ScaledObject models/theirs" },
    ],
  });
});

test("our Prometheus is used by whoever's KEDA reads it, our metrics-server by those who scale on CPU", () => {
  const reader = object(
    "keda.sh/v1alpha1",
    "ScaledObject",
    { name: "reader", namespace: "shop" },
    {
      spec: { triggers: [{ metadata: { serverAddress: "http://prometheus.cortex-system:9090" } }] },
    },
  ) as never;
  const onCpu = object(
    "autoscaling/v2",
    "HorizontalPodAutoscaler",
    { name: "web", namespace: "shop" },
    {
      spec: { metrics: [{ type: "Resource" }] },
    },
  ) as never;
  const plan = uninstallPlan(
    facts({
      ours: [
        object("v1", "Service", { name: "prometheus", namespace: "cortex-system", labels: ofAddon("prometheus") }),
        object("v1", "Service", {
          name: "metrics-server",
          namespace: "kube-system",
          labels: ofAddon("metrics-server"),
        }),
      ],
      scaledObjects: [reader],
      autoscalers: [onCpu],
    }),
  );
  expect(plan.uses).toEqual([
    { addon: "metrics-server", object: "HorizontalPodAutoscaler shop/web" },
    { addon: "prometheus", object: "ScaledObject shop/reader" },
  ]);
});

test("what somebody put into a namespace of ours is told, what controllers made there is not", () => {
  const inside = (kind: string, name: string, labels = {}) =>
    object("v1", kind, { name, namespace: "cortex-system", labels });
  const plan = uninstallPlan(
    facts({
      ours: [object("v1", "Namespace", { name: "cortex-system", labels: ofAddon("settings") })],
      inOurNamespaces: [
        inside("Secret", "models-tls"),
        inside("ConfigMap", "kube-root-ca.crt"),
        inside("Secret", "kedaorg-certs"),
        inside("Service", "envoy-x", { "app.kubernetes.io/managed-by": "envoy-gateway" }),
        inside("ConfigMap", "cortex", ofAddon("settings")),
      ],
    }),
  );
  expect(plan.uses).toEqual([{ addon: "settings", object: "Secret cortex-system/models-tls" }]);
});
