import type { ApiCost, NodeUse } from "../../core/cloud-cluster.ts";
import { label, manager } from "../../kubernetes/labels.ts";
import type { KubeObject } from "../../kubernetes/objects.ts";
import type { KubeNode, KubePod } from "./kube-shapes.ts";
import { add, nothing, requestedBy, shareOf, type Use, useFrom } from "./use.ts";

export interface Workplace {
  readonly nodes: readonly NodeUse[];
  readonly apis: readonly ApiCost[];
  /** What nodes cost that no API uses, per hour. */
  readonly idlePerHour: number;
  readonly unscheduledReplicas: number;
}

/** Pods that ended hold nothing. */
const ended = new Set(["Succeeded", "Failed"]);

/**
 * Pure. Who uses which node, and what that costs.
 * @param perHour of an instance by its id; undefined: not known, and then not counted
 */
export function workplaceOf(
  nodes: readonly KubeNode[],
  pods: readonly KubePod[],
  perHour: (instanceId: string) => number | undefined,
): Workplace {
  const running = pods.filter(({ status }) => !ended.has(status?.phase ?? ""));
  const byNode = Map.groupBy(running, ({ spec }) => spec.nodeName ?? "");
  const priced = nodes
    .map((node) => ({ node, pods: byNode.get(node.metadata.name) ?? [], cost: perHour(instanceOf(node)) }))
    .sort((a, b) => (orderOf(a.node) < orderOf(b.node) ? -1 : 1));
  const apis = new Map<string, ApiCost>();
  let idlePerHour = 0;
  for (const { node, pods: some, cost } of priced) idlePerHour += shareOut(node, some, cost ?? 0, apis);
  // Of those that wait for a node there is nothing to pay yet, but they are counted.
  for (const pod of byNode.get("") ?? []) if (isReplica(pod)) countReplica(apis, pod, 0);
  return {
    nodes: priced.map(({ node, pods: some, cost }) => nodeUse(node, some, cost)),
    apis: [...apis.values()].sort((a, b) => b.perHour - a.perHour || (keyOf(a) < keyOf(b) ? -1 : 1)),
    idlePerHour,
    unscheduledReplicas: (byNode.get("") ?? []).filter(isReplica).length,
  };
}

/** @returns the id of the instance, `i-0a1b`; "" for a node that is none of EC2's */
export function instanceOf({ spec }: KubeNode): string {
  return /^aws:\/\/.*\/(i-[0-9a-f]+)$/.exec(spec?.providerID ?? "")?.[1] ?? "";
}

/**
 * Shares the cost of one node out to its APIs, each by what it takes of what is scarcest. When these shares exceed the node (one
 * takes the processors, another the memory), all are made smaller alike.
 * @returns what is left over
 */
function shareOut(node: KubeNode, pods: readonly KubePod[], cost: number, apis: Map<string, ApiCost>): number {
  const whole = useFrom(node.status?.allocatable);
  const replicas = pods.filter(isReplica);
  const shares = replicas.map((pod) => shareOf(requestedBy(pod), whole));
  const total = shares.reduce((sum, share) => sum + share, 0);
  const scale = total > 1 ? 1 / total : 1;
  for (const [index, pod] of replicas.entries()) countReplica(apis, pod, cost * shares[index]! * scale);
  return cost * Math.max(0, 1 - total);
}

function countReplica(apis: Map<string, ApiCost>, { metadata }: KubeObject, perHour: number): void {
  const { namespace = "", labels = {} } = metadata;
  const api = labels[label.name] ?? "";
  const key = keyOf({ namespace, api });
  const before = apis.get(key) ?? { namespace, api, replicas: 0, perHour: 0 };
  apis.set(key, { ...before, replicas: before.replicas + 1, perHour: before.perHour + perHour });
}

function keyOf({ namespace, api }: Pick<ApiCost, "namespace" | "api">): string {
  return `${namespace}/${api}`;
}

function isReplica({ metadata: { labels = {} } }: KubeObject): boolean {
  return labels[label.managedBy] === manager && labels[label.kind] !== undefined && labels[label.name] !== undefined;
}

function nodeUse(node: KubeNode, pods: readonly KubePod[], cost: number | undefined): NodeUse {
  const whole = useFrom(node.status?.allocatable);
  const used = pods.map(requestedBy).reduce(add, nothing);
  const of = (key: keyof Use) => ({ requested: used[key], allocatable: whole[key] });
  const labels = node.metadata.labels ?? {};
  return {
    name: node.metadata.name,
    instanceType: labels["node.kubernetes.io/instance-type"] ?? "",
    lifecycle: labels["eks.amazonaws.com/capacityType"] === "SPOT" ? "spot" : "on-demand",
    nodeGroup: groupOf(node),
    replicas: pods.filter(isReplica).length,
    cpu: of("cpu"),
    memory: of("memory"),
    gpu: of("gpu"),
    inf: of("inf"),
    ...(cost !== undefined && { perHour: cost }),
  };
}

function groupOf({ metadata: { labels = {} } }: KubeNode): string {
  return labels["cortex.dev/node-group"] ?? labels["eks.amazonaws.com/nodegroup"] ?? "";
}

function orderOf(node: KubeNode): string {
  return `${groupOf(node)}\0${node.metadata.name}`;
}
