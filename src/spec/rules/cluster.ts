import type { ClusterValues } from "../definitions/cluster-fields.ts";
import type { Report } from "../report.ts";
import type { Loose } from "../shape/shape.ts";
import type { Place } from "../yaml/node.ts";
import { exceeds } from "./context.ts";

interface ClusterContext {
  readonly values: Loose<ClusterValues>;
  readonly report: Report;
  at(path: string): Place;
}

type Group = NonNullable<ClusterContext["values"]["node_groups"]>[number];

/** What must hold between the fields of a cluster. */
export function checkCluster(context: ClusterContext): void {
  const { values, report, at } = context;
  const names = new Set<string>();
  values.node_groups?.forEach((group, index) => {
    const path = `node_groups[${index}]`;
    if (group.name !== undefined && names.has(group.name)) {
      report.problem(at(`${path}.name`), `${group.name} is the name of two node groups`, "choose another name");
    }
    names.add(group.name ?? "");
    checkGroup(group, path, context);
  });
  checkNetwork(context);
}

function checkGroup(group: Group, path: string, { report, at }: ClusterContext): void {
  const { min_instances: min, max_instances: max, instance_volume_type: volume } = group;
  if (exceeds(min, max)) {
    report.problem(
      at(`${path}.min_instances`),
      `${min} is above max_instances (${max})`,
      `raise max_instances to ${min} or more`,
    );
  }
  if (group.spot === false && group.spot_config) {
    report.problem(at(`${path}.spot_config`), "goes with spot: true only", "add spot: true, or remove it");
  }
  if (volume !== undefined && group.instance_volume_iops && volume !== "gp3" && volume !== "io1") {
    report.problem(at(`${path}.instance_volume_iops`), `a ${volume} disk has no such setting`, "remove it");
  }
  if (volume !== undefined && group.instance_volume_throughput && volume !== "gp3") {
    report.problem(at(`${path}.instance_volume_throughput`), `a ${volume} disk has no such setting`, "remove it");
  }
}

function checkNetwork({ values, report, at }: ClusterContext): void {
  const { subnets, nat_gateway, availability_zones, subnet_visibility } = values;
  if (subnets) {
    for (const key of ["availability_zones", "nat_gateway"] as const) {
      const isSet = key === "nat_gateway" ? nat_gateway && nat_gateway !== "none" : availability_zones;
      if (isSet) report.problem(at(key), "cannot go together with subnets", "remove one of the two");
    }
  } else if (subnet_visibility === "private" && nat_gateway === "none") {
    report.problem(at("nat_gateway"), "private instances need a way out", "write single or highly_available");
  }
}
