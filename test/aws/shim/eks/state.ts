import type {
  AccessEntry,
  Addon,
  AssociatedAccessPolicy,
  Cluster,
  Nodegroup,
  PodIdentityAssociation,
  Update,
  UpdateParam,
  UpdateType,
} from "@aws-sdk/client-eks";
import { json, Refused, type Reply } from "../reply.ts";
import type { Handling, RegionState } from "../world.ts";

type Changeable<T> = { -readonly [Name in keyof T]: T[Name] };

export interface AccessEntryRecord {
  readonly entry: Changeable<AccessEntry>;
  readonly policies: AssociatedAccessPolicy[];
  /** Made by EKS itself for the role of a managed node group. */
  readonly isOfNodes: boolean;
}

export interface UpdateRecord {
  readonly update: Changeable<Update>;
  readonly nodegroupName?: string;
  readonly addonName?: string;
}

export interface NodeGroupRecord {
  readonly group: Changeable<Nodegroup>;
  readonly token: string | undefined;
  readonly autoScalingGroup: string;
}

export interface AddonRecord {
  readonly addon: Changeable<Addon>;
  /** When it was made or changed last, in milliseconds. */
  changedAt: number;
}

export interface EksCluster {
  readonly cluster: Changeable<Cluster>;
  readonly token: string | undefined;
  readonly nodeGroups: Map<string, NodeGroupRecord>;
  readonly addons: Map<string, AddonRecord>;
  readonly associations: Map<string, Changeable<PodIdentityAssociation>>;
  /** By principal. */
  readonly accessEntries: Map<string, AccessEntryRecord>;
  readonly updates: Map<string, UpdateRecord>;
  /** EKS brought vpc-cni, kube-proxy and coredns by itself, unmanaged. */
  readonly hasOwnAddons: boolean;
  /** Network interfaces of the control plane in the cluster's subnets. */
  readonly interfaces: string[];
}

/** @throws Refused ResourceNotFoundException */
export function clusterOf(region: RegionState, name: string): EksCluster {
  const found = region.clusters.get(name);
  if (found === undefined) throw notFound(`No cluster found for name: ${name}.`);
  return found;
}

export function notFound(message: string): Refused {
  return new Refused("ResourceNotFoundException", message, 404);
}

export function inUse(message: string): Refused {
  return new Refused("ResourceInUseException", message, 409);
}

export function invalid(message: string): Refused {
  return new Refused("InvalidParameterException", message, 400);
}

export function invalidRequest(message: string): Refused {
  return new Refused("InvalidRequestException", message, 400);
}

/** @throws Refused when it is not ACTIVE */
export function mustBeActive({ cluster }: EksCluster): void {
  if (cluster.status === "ACTIVE" || cluster.status === "UPDATING") return;
  throw invalidRequest(`Cluster ${cluster.name} is not in ACTIVE state: it is ${cluster.status}`);
}

/** Notes an update that goes on, and plans its end. */
export function startUpdate(
  { world }: Handling,
  record: EksCluster,
  type: UpdateType,
  params: readonly UpdateParam[],
  end: { readonly ms: number; readonly of?: Omit<UpdateRecord, "update">; finish(): Promise<void> | void },
): Update {
  const id = crypto.randomUUID();
  const createdAt = new Date(world.clock.now());
  const update: Changeable<Update> = { id, type, status: "InProgress", params: [...params], createdAt, errors: [] };
  record.updates.set(id, { update, ...end.of });
  world.timeline.plan(world.clock.now() + end.ms, async () => {
    await end.finish();
    if (update.status === "InProgress") update.status = "Successful";
  });
  return update;
}

export function arnOf({ world, request }: Handling, resource: string): string {
  return `arn:aws:eks:${request.region}:${world.account}:${resource}`;
}

/** Answers as EKS does: times are seconds since the epoch. */
export function answer(value: unknown): Reply {
  return json(withSeconds(value));
}

/** @returns one page of names or things, as `maxResults` and `nextToken` of the request ask for */
export function page<T>({ request }: Handling, name: string, all: readonly T[]): Reply {
  const size = Number(request.query.get("maxResults") ?? request.json.maxResults ?? 100);
  const from = Number(request.query.get("nextToken") ?? request.json.nextToken ?? 0);
  const next = from + size < all.length ? { nextToken: String(from + size) } : {};
  return answer({ [name]: all.slice(from, from + size), ...next });
}

export function inputOf<Input>({ request }: Handling): Input {
  return request.json as Input;
}

function withSeconds(value: unknown): unknown {
  if (value instanceof Date) return value.getTime() / 1000;
  if (Array.isArray(value)) return value.map(withSeconds);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withSeconds(one)]));
}
