import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { KubeNode, KubePod } from "../../../src/cluster/people/kube-shapes.ts";
import { instanceOf, workplaceOf } from "../../../src/cluster/people/node-uses.ts";
import { requestedBy } from "../../../src/cluster/people/use.ts";

type Requests = Readonly<Record<string, string>>;

function node(name: string, allocatable: Requests, labels: Requests = {}): KubeNode {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name, labels: { "node.kubernetes.io/instance-type": "m5.large", ...labels } },
    spec: { providerID: `aws:///us-east-1a/i-0${name.length}${name.charCodeAt(0).toString(16)}` },
    status: { allocatable },
  };
}

function pod(api: string | undefined, nodeName: string | undefined, requests: Requests, phase = "Running"): KubePod {
  const labels = {
    "app.kubernetes.io/managed-by": "cortex",
    "app.kubernetes.io/name": api ?? "",
    "cortex.dev/kind": "RealtimeAPI",
  };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `${api}-x`, namespace: "models", ...(api !== undefined && { labels }) },
    spec: { ...(nodeName !== undefined && { nodeName }), containers: [{ resources: { requests } }] },
    status: { phase },
  };
}

const whole = { cpu: "4", memory: "16Gi" };

describe("what a pod asks for", () => {
  const container = (cpu: string, restartPolicy?: string) => ({
    resources: { requests: { cpu } },
    ...(restartPolicy && { restartPolicy }),
  });
  const cpuOf = (initContainers: ReturnType<typeof container>[], containers: ReturnType<typeof container>[]) =>
    requestedBy({ spec: { initContainers, containers, overhead: { cpu: "10m" } } }).cpu;

  test("is what its containers and sidecars ask for together", () => {
    expect(cpuOf([container("100m", "Always")], [container("500m"), container("1")])).toBeCloseTo(1.61, 9);
  });

  test("is what an init container asks for that needs more, beside the sidecars that began before it", () => {
    expect(
      cpuOf([container("100m", "Always"), container("2"), container("50m", "Always")], [container("500m")]),
    ).toBeCloseTo(2.11, 9);
  });

  test("is nothing where it says nothing", () => {
    expect(requestedBy({ spec: { containers: [{}] } })).toEqual({ cpu: 0, memory: 0, gpu: 0, inf: 0 });
  });
});

test("an API costs its share of the nodes that it runs on, by what it takes most of", () => {
  const found = workplaceOf(
    [
      node("a", whole, { "cortex.dev/node-group": "cpu" }),
      node("bb", whole, { "eks.amazonaws.com/capacityType": "SPOT" }),
    ],
    [
      pod("iris", "a", { cpu: "1", memory: "1Gi" }),
      pod("iris", "bb", { cpu: "500m", memory: "8Gi" }),
      pod("digits", "a", { cpu: "1" }),
      pod(undefined, "a", { cpu: "250m" }),
      pod("digits", undefined, { cpu: "1" }, "Pending"),
      pod("old", "a", { cpu: "1" }, "Succeeded"),
    ],
    (id) => (id === "i-0161" ? 1 : 0.4),
  );
  expect(found.apis).toEqual([
    { namespace: "models", api: "iris", replicas: 2, perHour: 0.25 + 0.2 },
    { namespace: "models", api: "digits", replicas: 2, perHour: 0.25 },
  ]);
  expect(found.idlePerHour).toBeCloseTo(0.7, 9);
  expect(found.unscheduledReplicas).toBe(1);
  expect(
    found.nodes.map(({ name, nodeGroup, lifecycle, replicas, perHour, cpu }) => [
      name,
      nodeGroup,
      lifecycle,
      replicas,
      perHour,
      cpu,
    ]),
  ).toEqual([
    ["bb", "", "spot", 1, 0.4, { requested: 0.5, allocatable: 4 }],
    ["a", "cpu", "on-demand", 2, 1, { requested: 2.25, allocatable: 4 }],
  ]);
});

test("two APIs that take different things of a node do not cost more than the node", () => {
  const { apis, idlePerHour } = workplaceOf(
    [node("a", whole)],
    [pod("iris", "a", { cpu: "3600m", memory: "1Gi" }), pod("digits", "a", { cpu: "100m", memory: "14745.6Mi" })],
    () => 1,
  );
  expect(apis.map(({ perHour }) => perHour.toFixed(6))).toEqual(["0.500000", "0.500000"]);
  expect(idlePerHour).toBe(0);
});

test("a node that is none of EC2's costs nothing that is known", () => {
  expect(instanceOf(node("a", whole))).toBe("i-0161");
  expect(instanceOf({ ...node("a", whole), spec: { providerID: "kind://docker/kind/a" } })).toBe("");
  const { nodes, apis } = workplaceOf([node("a", whole)], [pod("iris", "a", { cpu: "1" })], () => undefined);
  expect(nodes[0]).not.toHaveProperty("perHour");
  expect(apis).toEqual([{ namespace: "models", api: "iris", replicas: 1, perHour: 0 }]);
});

const requests = fc.record({
  cpu: fc.integer({ min: 0, max: 5000 }).map((cpu) => `${cpu}m`),
  memory: fc.integer({ min: 0, max: 20 }).map((gb) => `${gb}Gi`),
});
const onNodes = fc.array(
  fc.tuple(fc.constantFrom("iris", "digits", "spam", undefined), fc.constantFrom("a", "bb", undefined), requests),
  { maxLength: 20 },
);

test("what APIs cost and what is idle is what the nodes cost", () => {
  const nodes = [node("a", whole), node("bb", { cpu: "2", memory: "4Gi" })];
  const cost = (id: string) => (id === "i-0161" ? 1.25 : 0.5);
  fc.assert(
    fc.property(onNodes, (pods) => {
      const placed = pods.map(([api, on, wants]) => pod(api, on, wants));
      const { apis, idlePerHour } = workplaceOf(nodes, placed, cost);
      const sum = apis.reduce((total, { perHour }) => total + perHour, idlePerHour);
      expect(sum).toBeCloseTo(1.75, 9);
      expect(idlePerHour).toBeGreaterThanOrEqual(0);
      expect(apis.every(({ perHour }) => perHour >= 0)).toBe(true);
    }),
  );
});
