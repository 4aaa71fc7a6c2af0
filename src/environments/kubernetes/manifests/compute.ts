import type { Compute } from "../../../spec/api.ts";
import { bytesQuantity, milliQuantity } from "./quantity.ts";
import { gpuResource, infResource } from "./scheduling.ts";

interface Mount {
  readonly name: string;
  readonly mountPath: string;
}

/** Of all containers of a pod, empty at its start. */
export const sharedVolume = { name: "mnt", emptyDir: {} };
const sharedMount: Mount = { name: "mnt", mountPath: "/mnt" };

/**
 * CPU is a request alone, so that what is idle can be used; memory is both, so that a replica never has less than it was given
 * and what takes more is ended rather than its neighbours; devices are both by nature.
 */
export function resourcesOf(compute: Compute): object {
  const memory = compute.mem_bytes === null ? {} : { memory: bytesQuantity(compute.mem_bytes) };
  const devices = {
    ...(compute.gpu > 0 && { [gpuResource]: String(compute.gpu) }),
    ...(compute.inf > 0 && { [infResource]: String(compute.inf) }),
  };
  const requests = {
    ...(compute.cpu_millis !== null && { cpu: milliQuantity(compute.cpu_millis) }),
    ...memory,
    ...devices,
  };
  const limits = { ...memory, ...devices };
  return {
    ...(Object.keys(requests).length > 0 && { requests }),
    ...(Object.keys(limits).length > 0 && { limits }),
  };
}

/** Shared memory of the pod's container `index`, which counts towards that one's memory; none or one. */
export function shmVolumes({ shm_bytes }: Compute, index: number): readonly object[] {
  if (shm_bytes === null) return [];
  return [{ name: shmName(index), emptyDir: { medium: "Memory", sizeLimit: bytesQuantity(shm_bytes) } }];
}

/** Of the pod's container `index`. */
export function mountsOf({ shm_bytes }: Compute, index: number): readonly Mount[] {
  return shm_bytes === null ? [sharedMount] : [sharedMount, { name: shmName(index), mountPath: "/dev/shm" }];
}

const shmName = (index: number) => `shm-${index}`;
