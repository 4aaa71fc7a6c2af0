import type { AwsIdentity } from "../aws/aws.ts";
import type { VersionSupport } from "./version-support.ts";

export interface InstanceType {
  readonly name: string;
  readonly vcpus: number;
  readonly memoryMiB: number;
  readonly gpus: number;
  /** AWS Inferentia devices. */
  readonly infs: number;
  readonly architecture: "amd64" | "arm64";
}

export interface Zone {
  /** `us-east-1a`; another zone in every account. */
  readonly name: string;
  /** `use1-az1`; the same in every account. */
  readonly id: string;
}

/** What only AWS knows and the wish depends on. Read once, before the plan. */
export interface Facts {
  readonly identity: AwsIdentity;
  readonly region: string;
  /** That the cluster uses, in order; those of a cluster that exists stay as they are. */
  readonly zones: readonly Zone[];
  /** Every type that the node groups name. */
  readonly instanceTypes: ReadonlyMap<string, InstanceType>;
  /** `1.34`; that of a cluster that exists stays as it is. */
  readonly kubernetesVersion: string;
  /** Of that version; undefined: EKS does not tell. */
  readonly versionSupport?: VersionSupport;
  /** Of the user's own subnets. */
  readonly ownNetwork?: {
    readonly vpcId: string;
    readonly subnets: readonly { readonly id: string; readonly zone: string; readonly isPublic: boolean }[];
  };
}
