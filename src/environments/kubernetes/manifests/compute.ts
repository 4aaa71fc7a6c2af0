import type { Compute } from "../../../spec/api.ts";
import { bytesQuantity, cpuQuantity } from "./quantity.ts";
import { gpuResource, infResource } from "./scheduling.ts";

interface Mount {
  readonly name: string;
  readonly mountPath: string;
}

/** Of all containers of a pod, empty at its start. */
export const sharedVolume = { name: "mnt", emptyDir: {} };
export const sharedMount: Mount = { name: "mnt", mountPath: "/mnt" };

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
    ...(compute.cpu_millis !== null && { cpu: cpuQuantity(compute.cpu_millis) }),
    ...memory,
    ...devices,
  };
  const limits = { ...memory, ...devices };
  return {
    ...(Object.keys(requests).length > 0 && { requests }),
    ...(Object.keys(limits).length > 0 && { limits }),
  };
}

/** Shared memory of one container, which counts towards its memory. */
export function shmVolume(container: string, bytes: number): { readonly name: string } {
  return { name: shmName(container), emptyDir: { medium: "Memory", sizeLimit: bytesQuantity(bytes) } } as {
    readonly name: string;
  };
}

export function mountsOf(container: string, compute: Compute): readonly Mount[] {
  const shm = { name: shmName(container), mountPath: "/dev/shm" };
  return compute.shm_bytes === null ? [sharedMount] : [sharedMount, shm];
}

/** Names of volumes are DNS labels of at most 63 characters, as those of containers are. */
const shmName = (container: string) => `shm-${container}`.slice(0, 63).replace(/-+$/, "");
