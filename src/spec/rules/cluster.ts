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
  checkCertificate(context);
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
  const base = group.spot_config?.on_demand_base_capacity;
  if (max !== undefined && exceeds(base, max)) {
    report.problem(
      at(`${path}.spot_config.on_demand_base_capacity`),
      `${base} is above max_instances (${max})`,
      `raise max_instances to ${base} or more, or take less on demand`,
    );
  }
  if (volume !== undefined) checkVolume(volume, group, path, { report, at });
}

/** Operations per second that a GB may have, by kind of disk. */
const mostIopsPerGb: Readonly<Record<string, number>> = { gp3: 500, io1: 50 };
const gp3BaseIops = 3000;

function checkVolume(type: string, group: Group, path: string, { report, at }: Pick<ClusterContext, "report" | "at">) {
  const { instance_volume_size: size, instance_volume_iops: iops, instance_volume_throughput: throughput } = group;
  const problem = (key: string, cause: string, hint: string) => report.problem(at(`${path}.${key}`), cause, hint);
  if (type === "st1" || type === "sc1") {
    problem("instance_volume_type", `instances cannot start from a disk of type ${type}`, "write gp3");
  }
  const mostPerGb = mostIopsPerGb[type];
  if (iops && mostPerGb === undefined) {
    problem("instance_volume_iops", `${type} disks have no such setting`, "remove it");
  } else if (iops && size !== undefined && mostPerGb !== undefined && iops > size * mostPerGb) {
    const limit = `${type} disks of ${size} GB have at most ${size * mostPerGb}`;
    problem("instance_volume_iops", `${iops} is too many: ${limit}`, "lower it, or raise instance_volume_size");
  } else if (iops && type === "gp3" && iops < gp3BaseIops) {
    problem("instance_volume_iops", `${iops} is below what a gp3 disk always has`, `write ${gp3BaseIops} or more`);
  }
  if (throughput && type !== "gp3") {
    problem("instance_volume_throughput", `${type} disks have no such setting`, "remove it");
  } else if (throughput && throughput > (iops ?? gp3BaseIops) / 4) {
    const needed = throughput * 4;
    problem(
      "instance_volume_throughput",
      `${throughput} is too much for ${iops ?? gp3BaseIops} operations per second`,
      `raise instance_volume_iops to ${needed} or more`,
    );
  }
}

/** A load balancer takes certificates of its own region only. */
function checkCertificate({ values, report, at }: ClusterContext): void {
  const { ssl_certificate_arn: certificate, region } = values;
  const [, , , certificateRegion] = certificate?.split(":") ?? [];
  if (region === undefined || !certificateRegion || certificateRegion === region) return;
  report.problem(
    at("ssl_certificate_arn"),
    `the certificate is of ${certificateRegion}, the cluster of ${region}`,
    `import or request it in ${region}`,
  );
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
