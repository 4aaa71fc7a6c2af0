import type { Wanted } from "../../../src/core/graph/resource.ts";
import { type FakeCloud, type FakeKind, wish } from "./fake-cloud.ts";

const secondMs = 1_000;
const minuteMs = 60 * secondMs;

export interface ModelCluster {
  readonly kinds: readonly FakeKind[];
  readonly wanted: readonly Wanted[];
}

/** A cluster in three zones with private nodes, and how long each part of it takes as a rule. */
export function modelCluster(cloud: FakeCloud, groups: number): ModelCluster {
  const zones = ["a", "b", "c"];
  const kind = (name: string, needs: readonly string[], createMs = 0, removeMs = 0) =>
    cloud.kind(name, needs, { create: createMs, update: 0, remove: removeMs });
  const vpc = kind("vpc", []);
  const subnet = kind("subnet", ["vpc"]);
  const internet = kind("internet-gateway", ["vpc"]);
  const address = kind("nat-address", ["internet-gateway"]);
  const nat = kind("nat-gateway", ["subnet", "nat-address"], 1.5 * minuteMs, minuteMs);
  const routes = kind("route-table", ["subnet", "internet-gateway", "nat-gateway"]);
  const role = kind("role", [], 0, 0);
  const controlPlane = kind("control-plane", ["subnet", "role"], 9 * minuteMs, 2.5 * minuteMs);
  const template = kind("launch-template", ["control-plane"]);
  const group = kind("node-group", ["launch-template", "subnet", "route-table", "role"], 2.5 * minuteMs, 4 * minuteMs);
  const addon = kind("addon", ["control-plane"], 0.5 * minuteMs, 10 * secondMs);
  const bucket = kind("bucket", []);

  const network = wish(vpc, "vpc");
  const publics = zones.map((zone) => wish(subnet, `subnet/public-${zone}`, [network]));
  const privates = zones.map((zone) => wish(subnet, `subnet/private-${zone}`, [network]));
  const gateway = wish(internet, "internet-gateway", [network]);
  const addresses = zones.map((zone) => wish(address, `nat-address/${zone}`, [gateway]));
  const nats = zones.map((zone, index) => wish(nat, `nat-gateway/${zone}`, [publics[index]!, addresses[index]!]));
  const tables = [
    wish(routes, "route-table/public", [gateway, ...publics]),
    ...zones.map((zone, index) => wish(routes, `route-table/private-${zone}`, [nats[index]!, privates[index]!])),
  ];
  const roles = ["control-plane", "nodes"].map((name) => wish(role, `role/${name}`));
  const plane = wish(controlPlane, "control-plane", [...publics, ...privates, roles[0]!]);
  const templates = Array.from({ length: groups }, (_, index) => wish(template, `launch-template/${index}`, [plane]));
  const nodes = templates.map((one, index) =>
    wish(group, `node-group/${index}`, [one, ...privates, ...tables.slice(1), roles[1]!]),
  );
  const early = wish(addon, "addon/vpc-cni", [plane]);
  const late = wish(addon, "addon/coredns", [plane]);
  const afterNodes = { ...late, needs: [...late.needs, ...nodes.map(({ id }) => id)] };
  return {
    kinds: [vpc, subnet, internet, address, nat, routes, role, controlPlane, template, group, addon, bucket],
    wanted: [
      wish(bucket, "bucket"),
      network,
      ...publics,
      ...privates,
      gateway,
      ...addresses,
      ...nats,
      ...tables,
      ...roles,
      plane,
      early,
      ...templates,
      ...nodes,
      afterNodes,
    ],
  };
}
