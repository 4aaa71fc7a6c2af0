import type { ApiCost, CloudInfo, NodeUse } from "../../core/cloud-cluster.ts";
import { costJson, costTable, moneyText, perHourAndMonthText, pricesText } from "./cost-table.ts";
import type { View } from "./show.ts";
import { roughBytesText } from "./spec-json.ts";
import type { Table } from "./table.ts";

const hoursPerMonth = 730;

export const cloudInfoView: View<CloudInfo> = {
  tables: (info) => [
    clusterTable(info),
    costTable(info.cost),
    ...(info.nodes.length > 0 ? [nodeTable(info.nodes)] : []),
    ...(info.apis.length > 0 ? [apiTable(info)] : []),
  ],
  below: (info) => `\n${sentences(info).join("\n")}\n`,
  json: (info) => ({
    name: info.cluster.name,
    region: info.cluster.region,
    status: info.status,
    kubernetes_version: info.kubernetesVersion,
    endpoint: info.endpoint ?? null,
    api_endpoint: info.apiEndpoint ?? null,
    bucket: info.bucket ?? null,
    registry: info.registry ?? null,
    cost: costJson(info.cost),
    nodes: info.nodes.map(nodeJson),
    replicas: replicasOf(info.nodes),
    unscheduled_replicas: info.unscheduledReplicas,
    apis: info.apis.map(({ namespace, api, replicas, perHour }) => ({ namespace, api, replicas, per_hour: perHour })),
    idle_per_hour: info.idlePerHour,
    warnings: info.warnings,
  }),
};

function clusterTable({ cluster, status, kubernetesVersion, ...info }: CloudInfo): Table {
  const rows: readonly (readonly [string, string | undefined])[] = [
    ["region", cluster.region],
    ["status", status],
    ["kubernetes", kubernetesVersion],
    ["kubernetes endpoint", info.endpoint],
    ["api endpoint", info.apiEndpoint],
    ["bucket", info.bucket],
    ["registry", info.registry],
  ];
  return [["cluster", cluster.name], ...rows.flatMap(([key, value]) => (value ? [[key, value]] : []))];
}

function nodeTable(nodes: readonly NodeUse[]): Table {
  const hasGpu = nodes.some(({ gpu }) => gpu.allocatable > 0);
  const hasInf = nodes.some(({ inf }) => inf.allocatable > 0);
  return [
    [
      "instance type",
      "lifecycle",
      "node group",
      "replicas",
      "cpu (requested/allocatable)",
      "memory",
      ...(hasGpu ? ["gpu"] : []),
      ...(hasInf ? ["inf"] : []),
      "cost per hour",
    ],
    ...nodes.map((node) => [
      node.instanceType,
      node.lifecycle,
      node.nodeGroup,
      String(node.replicas),
      `${coresText(node.cpu.requested)}/${coresText(node.cpu.allocatable)}`,
      `${roughBytesText(node.memory.requested)}/${roughBytesText(node.memory.allocatable)}`,
      ...(hasGpu ? [`${node.gpu.requested}/${node.gpu.allocatable}`] : []),
      ...(hasInf ? [`${node.inf.requested}/${node.inf.allocatable}`] : []),
      node.perHour === undefined ? "not known" : moneyText(node.perHour),
    ]),
  ];
}

function apiTable({ apis, idlePerHour }: CloudInfo): Table {
  const isOneNamespace = apis.every(({ namespace }) => namespace === apis[0]?.namespace);
  const name = ({ namespace, api }: ApiCost) => (isOneNamespace ? api : `${namespace}/${api}`);
  const money = (perHour: number) => [moneyText(perHour), moneyText(perHour * hoursPerMonth)];
  return [
    ["api", "replicas", "cost per hour", "per month"],
    ...apis.map((api) => [name(api), String(api.replicas), ...money(api.perHour)]),
    ["(no api)", "", ...money(idlePerHour)],
  ];
}

function sentences({ cost, nodes, unscheduledReplicas: waiting, endpoint }: CloudInfo): readonly string[] {
  const sum = `the cluster costs ${perHourAndMonthText(cost.perHour)} now, traffic and stored data aside (${pricesText(cost)})`;
  if (endpoint === undefined || nodes.length === 0) return [sum];
  const replicas = replicasOf(nodes);
  const running = `${count(replicas, "API replica")} running on ${count(nodes.length, "instance")}`;
  return [sum, waiting > 0 ? `${running}, and ${waiting} unscheduled` : running];
}

function replicasOf(nodes: readonly NodeUse[]): number {
  return nodes.reduce((sum, { replicas }) => sum + replicas, 0);
}

function nodeJson(node: NodeUse): unknown {
  return {
    name: node.name,
    instance_type: node.instanceType,
    lifecycle: node.lifecycle,
    node_group: node.nodeGroup,
    replicas: node.replicas,
    cpu: node.cpu,
    memory: node.memory,
    gpu: node.gpu,
    inf: node.inf,
    per_hour: node.perHour ?? null,
  };
}

/** `1.25`, `2` */
function coresText(cores: number): string {
  return String(Math.round(cores * 100) / 100);
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
