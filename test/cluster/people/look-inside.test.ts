import { expect, test } from "vitest";
import { lookInside } from "../../../src/cluster/people/look-inside.ts";
import { namespacesWithApis } from "../../../src/environments/kubernetes/namespaces.ts";
import { describedCluster, namespaced, node, object } from "../support/described-cluster.ts";

const { signal } = new AbortController();
const settings = object(
  "v1",
  "ConfigMap",
  { name: "cortex", namespace: "cortex-system" },
  { data: { gateway: "cortex-system/cortex" } },
);
const gateway = object(
  "gateway.networking.k8s.io/v1",
  "Gateway",
  { name: "cortex", namespace: "cortex-system" },
  {
    spec: { gatewayClassName: "cortex", listeners: [{ name: "http", protocol: "HTTP", port: 80 }] },
    status: { addresses: [{ value: "abc.elb.us-east-1.amazonaws.com" }] },
  },
);
const pod = object("v1", "Pod", { name: "one", namespace: "models" }, { spec: { containers: [] } });

test("one look finds nodes, pods of all namespaces, and where APIs are reached", async () => {
  const found = await lookInside(describedCluster([node("a"), node("b"), pod, settings, gateway]), signal);
  expect(found.nodes.map(({ metadata }) => metadata.name)).toEqual(["a", "b"]);
  expect(found.pods.map(({ metadata }) => metadata.name)).toEqual(["one"]);
  expect(found.apiEndpoint).toBe("http://abc.elb.us-east-1.amazonaws.com");
});

test("a cluster without a Gateway, or one without an address, has nowhere to send requests to", async () => {
  expect(await lookInside(describedCluster([node("a")]), signal)).not.toHaveProperty("apiEndpoint");
  const silent = { ...gateway, status: {} };
  expect(await lookInside(describedCluster([settings, silent]), signal)).not.toHaveProperty("apiEndpoint");
});

test("APIs are looked for in every namespace that holds one", async () => {
  const anchor = (name: string, namespace: string) =>
    object("v1", "ConfigMap", {
      ...{ name, namespace },
      labels: { "app.kubernetes.io/managed-by": "cortex", "app.kubernetes.io/component": "anchor" },
    });
  const others = [namespaced("empty"), object("v1", "ConfigMap", { name: "theirs", namespace: "shop" })];
  const objects = [anchor("iris", "models"), anchor("digits", "models"), anchor("shop", "default"), ...others];
  expect(await namespacesWithApis(describedCluster(objects), signal)).toEqual(["default", "models"]);
});
