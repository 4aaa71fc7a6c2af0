import type { RealtimeApi } from "../../spec/api.ts";

export interface Machine {
  readonly cores: number;
  readonly memoryBytes: number;
}

/**
 * The most replicas of `api` that `machine` has room for, by what one asks for: cores by `compute.cpu`, memory by
 * `compute.mem` (four fifths of all there is, the rest is the user's). Never below one, nor below `min_replicas`, which
 * somebody asked for by name.
 */
export function replicaCap(api: RealtimeApi, machine: Machine): number {
  const { cpu_millis, mem_bytes } = api.compute;
  const byCores = cpu_millis ? Math.floor((machine.cores * 1000) / cpu_millis) : machine.cores;
  const byMemory = mem_bytes ? Math.floor((machine.memoryBytes * 0.8) / mem_bytes) : Number.POSITIVE_INFINITY;
  const room = Math.max(1, Math.min(byCores, byMemory));
  return Math.min(api.autoscaling.max_replicas, Math.max(room, api.autoscaling.min_replicas));
}
