import type { InstanceTypeInfo } from "@aws-sdk/client-ec2";
import type { Aws } from "../../aws/aws.ts";
import type { Cluster } from "../../spec/parse-cluster.ts";
import type { InstanceType } from "../facts.ts";
import { pagesByToken, partsOf } from "../pages.ts";
import type { NodeGroup } from "../system-group.ts";
import type { Finding } from "./findings.ts";

/** Filters of EC2 take so many values at most. */
const mostValues = 200;

/** @returns what EC2 knows of `names`; those that the region does not have are not in it */
export async function readInstanceTypes(
  aws: Aws,
  names: Iterable<string>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, InstanceType>> {
  const ec2 = await aws.ec2();
  const found = new Map<string, InstanceType>();
  for (const Values of partsOf([...new Set(names)], mostValues)) {
    const Filters = [{ Name: "instance-type", Values }];
    const pages = await pagesByToken((NextToken) => ec2.describeInstanceTypes({ Filters, NextToken }, signal));
    for (const type of pages.flatMap(({ InstanceTypes = [] }) => InstanceTypes.map(typeFrom)))
      found.set(type.name, type);
  }
  return found;
}

function typeFrom(info: InstanceTypeInfo): InstanceType {
  return {
    name: String(info.InstanceType),
    vcpus: info.VCpuInfo?.DefaultVCpus ?? 0,
    memoryMiB: info.MemoryInfo?.SizeInMiB ?? 0,
    gpus: sum(info.GpuInfo?.Gpus ?? []),
    infs: sum(info.NeuronInfo?.NeuronDevices ?? info.InferenceAcceleratorInfo?.Accelerators ?? []),
    architecture: info.ProcessorInfo?.SupportedArchitectures?.includes("arm64") ? "arm64" : "amd64",
  };
}

/** @returns every type that a node group may take, its own first */
export function typesOf({ instance_type, spot_config }: NodeGroup): readonly string[] {
  return [...new Set([instance_type, ...(spot_config?.instance_distribution ?? [])])];
}

/** Instances of one group stand in for each other: pods that fit on one must fit on all. */
export function checkAlternatives(cluster: Cluster, types: ReadonlyMap<string, InstanceType>): readonly Finding[] {
  return cluster.node_groups.flatMap((group) => {
    const own = types.get(group.instance_type);
    const [, ...others] = typesOf(group);
    return others.flatMap((name) => {
      const other = types.get(name);
      const lack = own && other && lackOf(own, other);
      if (!lack) return [];
      const field = `node_groups.${group.name}.spot_config.instance_distribution`;
      const message = `${field}: ${name} cannot stand in for ${own.name}: ${lack}`;
      return [{ code: "SPEC_INVALID", message, hint: "choose a type with at least as much, or remove it" } as const];
    });
  });
}

function lackOf(own: InstanceType, other: InstanceType): string | undefined {
  if (other.architecture !== own.architecture) return `its processors are ${other.architecture}`;
  if (other.vcpus < own.vcpus) return `it has ${other.vcpus} processors instead of ${own.vcpus}`;
  if (other.memoryMiB < own.memoryMiB) return `it has ${other.memoryMiB} MiB of memory instead of ${own.memoryMiB}`;
  if (other.gpus < own.gpus) return `it has ${other.gpus} GPUs instead of ${own.gpus}`;
  if (other.infs < own.infs) return `it has ${other.infs} Inferentia chips instead of ${own.infs}`;
  if (other.gpus > 0 !== own.gpus > 0 || other.infs > 0 !== own.infs > 0) return "it has accelerators";
  return undefined;
}

function sum(devices: readonly { readonly Count?: number | undefined }[]): number {
  return devices.reduce((total, { Count = 1 }) => total + Count, 0);
}
