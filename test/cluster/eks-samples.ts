import type { Facts, InstanceType } from "../../src/cluster/facts.ts";
import type { NodeGroup } from "../../src/cluster/system-group.ts";

const type = (name: string, rest: Partial<InstanceType> = {}): [string, InstanceType] => [
  name,
  { name, vcpus: 2, memoryMiB: 8192, gpus: 0, infs: 0, architecture: "amd64", ...rest },
];

export const instanceTypes: Facts["instanceTypes"] = new Map([
  type("m5.large"),
  type("m5a.large"),
  type("m6g.large", { architecture: "arm64" }),
  type("g4dn.xlarge", { gpus: 1 }),
  type("g5g.xlarge", { gpus: 1, architecture: "arm64" }),
  type("inf2.xlarge", { infs: 1 }),
  type("t3.medium"),
]);

/** A node group as the file says nothing but its name. */
export function group(rest: Partial<NodeGroup> = {}): NodeGroup {
  return {
    name: "cpu",
    instance_type: "m5.large",
    min_instances: 1,
    max_instances: 5,
    priority: 1,
    instance_volume_size: 50,
    instance_volume_type: "gp3",
    instance_volume_iops: null,
    instance_volume_throughput: null,
    spot: false,
    spot_config: null,
    ...rest,
  };
}
