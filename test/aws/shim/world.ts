import type { PolicyDocument } from "../../../src/core/cloud-rights.ts";
import type { EmulatorClock } from "../clock.ts";
import type { AutoScalingGroup } from "./auto-scaling.ts";
import type { InterfaceRecord } from "./ec2/interfaces.ts";
import type { NatRecord } from "./ec2/nat-gateways.ts";
import type { EksCluster } from "./eks/state.ts";
import type { Moto } from "./moto-clients.ts";
import type { Reply } from "./reply.ts";
import type { AwsRequest } from "./request.ts";
import type { ServiceTimes } from "./service-times.ts";
import type { Timeline } from "./timeline.ts";

/** What a user of the emulator may choose about the AWS that it plays. */
export interface WorldOptions {
  /** Host and port of the registry that stands for ECR. */
  readonly registry?: string;
  /** The real API server that stands for every control plane: its URL, and the base64 of its PEM authorities. */
  readonly controlPlane?: { readonly endpoint: string; readonly certificateAuthority: string };
  /** Actions that the caller has no right to, in IAM's spelling with stars: `ec2:CreateVpc`. */
  readonly denied: readonly string[];
  /** Instance types that cannot be had. */
  readonly scarce: readonly string[];
  /** Add-ons that EKS does not offer. */
  readonly withoutAddons: readonly string[];
  /** Values of quotas by code: `L-1216C47A`. */
  readonly quotas: Readonly<Record<string, number>>;
}

/** All that the emulator knows beside what moto keeps. One account of AWS. */
export interface World {
  readonly account: string;
  /** ARN of the user that every request comes from. */
  readonly caller: string;
  readonly clock: EmulatorClock;
  readonly timeline: Timeline;
  readonly times: ServiceTimes;
  readonly options: WorldOptions;
  /** What the caller may do, beside `options.denied`, and what was refused for it. Undefined: everything. */
  readonly rights: { policies: readonly PolicyDocument[] | undefined; readonly refused: string[] };
  /** moto itself, behind this emulator's back. */
  moto(region: string): Moto;
  in(region: string): RegionState;
  readonly regions: ReadonlyMap<string, RegionState>;
  /** When each role was made, by name. */
  readonly roles: Map<string, number>;
  /** When each object of S3 was written, by `/bucket/key`. */
  readonly objects: Map<string, number>;
}

export interface RegionState {
  readonly clusters: Map<string, EksCluster>;
  readonly autoScalingGroups: Map<string, AutoScalingGroup>;
  readonly natGateways: Map<string, NatRecord>;
  /** What moto does not know of network interfaces, by id. */
  readonly interfaces: Map<string, InterfaceRecord>;
  /** When volumes were made, by id, where that is known by the emulator's time. */
  readonly volumes: Map<string, number>;
  /** Answers given to client tokens, by operation and token. */
  readonly tokens: Map<string, Reply>;
}

export interface Handling {
  readonly request: AwsRequest;
  readonly world: World;
  /** Of the request's region. */
  readonly region: RegionState;
  readonly moto: Moto;
  /** Lets moto answer. */
  forward(request?: AwsRequest): Promise<Reply>;
  /** What is asked for cannot be had. */
  readonly isScarce: boolean;
}

export type Handler = (handling: Handling) => Promise<Reply> | Reply;
/** Handlers of one service by operation; what is not among them is moto's. */
export type Handlers = Readonly<Record<string, Handler>>;

export function createRegionState(): RegionState {
  return {
    clusters: new Map(),
    autoScalingGroups: new Map(),
    natGateways: new Map(),
    interfaces: new Map(),
    volumes: new Map(),
    tokens: new Map(),
  };
}
