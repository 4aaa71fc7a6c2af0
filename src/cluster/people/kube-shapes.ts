import type { KubeObject } from "../../kubernetes/objects.ts";

/** Quantities by resource: `cpu`, `memory`, `nvidia.com/gpu`. */
type Amounts = Readonly<Record<string, string>>;

export interface KubeNode extends KubeObject {
  /** `aws:///us-east-1a/i-0a1b`. */
  readonly spec?: { readonly providerID?: string };
  readonly status?: { readonly allocatable?: Amounts };
}

interface Container {
  readonly resources?: { readonly requests?: Amounts };
  /** Of an init container: `Always` makes it a sidecar. */
  readonly restartPolicy?: string;
}

export interface KubePod extends KubeObject {
  readonly spec: {
    readonly nodeName?: string;
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
    readonly overhead?: Amounts;
  };
  readonly status?: { readonly phase?: string };
}
