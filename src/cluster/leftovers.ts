import type { Instance, NetworkInterface, Volume } from "@aws-sdk/client-ec2";
import type { Leftover } from "../core/cloud-cluster.ts";
import type { AnyKind, Found } from "../core/graph/resource.ts";
import { clusterTag, type ResourceContext } from "./resources/context.ts";
import { ownerOf } from "./resources/interface-owner.ts";
import { kubernetesTag } from "./resources/kubernetes-tags.ts";
import { strangeVolumes } from "./resources/kubernetes-volumes.ts";
import { interfacesOf } from "./resources/network-holders.ts";
import { namedControlPlane } from "./resources/owner.ts";
import { ec2Pages } from "./resources/pages.ts";

/** What a price is asked for by; those of disks are per GB. */
export type LeftoverPriceKey =
  | "control-plane"
  | "nat-gateway"
  | "public-address"
  | "network-load-balancer"
  | "classic-load-balancer"
  | `instance/${string}`
  | `volume/${string}`;

/** US dollars per hour; undefined: not known. */
export type LeftoverPrice = (key: LeftoverPriceKey) => number | undefined;

export interface Sweep {
  readonly context: ResourceContext;
  /** All that should be gone, what Kubernetes made included. */
  readonly kinds: readonly AnyKind[];
  readonly perHour: LeftoverPrice;
}

/** Looks for what is still there of a cluster: by its kinds, by its tags, and in its network. Empty: nothing costs anything any more. */
export async function findLeftovers(sweep: Sweep, signal: AbortSignal): Promise<Leftover[]> {
  const [ofKinds, instances, volumes, interfaces] = await Promise.all([
    leftoversOfKinds(sweep.kinds, sweep.perHour, signal),
    findInstances(sweep.context, signal),
    findVolumes(sweep.context, signal),
    findInterfaces(sweep, signal),
  ]);
  const known = new Set(ofKinds.map(({ label }) => label));
  const strays = [
    ...instances.map((one) => leftInstance(one, sweep.perHour)),
    ...volumes.map((one) => leftVolume(one, sweep.perHour)),
    ...interfaces.map(leftInterface),
  ];
  return [...ofKinds, ...strays.filter(({ label }) => !known.has(label))];
}

/** The same of some kinds alone, such as those that were to be kept. */
export async function leftoversOfKinds(
  kinds: readonly AnyKind[],
  perHour: LeftoverPrice,
  signal: AbortSignal,
): Promise<Leftover[]> {
  const found = await Promise.all(kinds.map(async (kind) => ({ kind, all: await kind.list(signal) })));
  return found.flatMap(({ kind, all }) => all.map((one) => leftover(kind, one, perHour)));
}

/** Disks that bear the cluster's name, and perhaps are not its own: nothing is done about them. */
export async function doubtfulVolumes(
  context: ResourceContext,
  perHour: LeftoverPrice,
  signal: AbortSignal,
): Promise<readonly Leftover[]> {
  const volumes = await strangeVolumes(context, signal);
  return volumes.map((one) => {
    const leftover = leftVolume(one, perHour);
    return { ...leftover, what: `${leftover.what}, perhaps of another cluster of that name` };
  });
}

const priceKeys: Readonly<Record<string, LeftoverPriceKey>> = {
  "control-plane": "control-plane",
  "nat-gateway": "nat-gateway",
  "nat-address": "public-address",
  "load-balancer": "network-load-balancer",
  "classic-load-balancer": "classic-load-balancer",
};

function leftover(
  { name, title }: AnyKind,
  { label, status, state }: Found<unknown>,
  perHour: LeftoverPrice,
): Leftover {
  if (name === "volume") return leftVolume(state as Volume, perHour);
  const key = priceKeys[name];
  const what = status === "removing" ? `${title}, which is being removed` : title;
  return priced({ what, label }, key && perHour(key));
}

function leftVolume({ VolumeId = "", Size = 0, VolumeType }: Volume, perHour: LeftoverPrice): Leftover {
  const perGb = perHour(`volume/${VolumeType ?? "gp3"}`);
  return priced({ what: `volume of ${Size} GB`, label: VolumeId }, perGb === undefined ? undefined : perGb * Size);
}

function leftInstance({ InstanceId = "", InstanceType }: Instance, perHour: LeftoverPrice): Leftover {
  return priced({ what: `instance ${InstanceType}`, label: InstanceId }, perHour(`instance/${InstanceType}`));
}

function leftInterface(one: NetworkInterface): Leftover {
  return { what: `network interface of ${ownerOf(one)}`, label: one.NetworkInterfaceId ?? "" };
}

function priced(leftover: Leftover, perHour: number | undefined): Leftover {
  return perHour === undefined ? leftover : { ...leftover, perHour };
}

/** Cortex's mark, and that of Kubernetes. */
function marks(context: ResourceContext): { Name: string; Values: string[] }[] {
  return [
    { Name: `tag:${clusterTag}`, Values: [context.clusterName] },
    { Name: `tag:${kubernetesTag(context)}`, Values: ["owned"] },
  ];
}

async function findInstances(context: ResourceContext, signal: AbortSignal): Promise<Instance[]> {
  const [ec2, { owner }] = await Promise.all([context.aws.ec2(), namedControlPlane(context, signal)]);
  const isThere = { Name: "instance-state-name", Values: ["pending", "running", "stopping", "stopped"] };
  const ask = (mark: { Name: string; Values: string[] }) =>
    ec2Pages(
      (page) => ec2.describeInstances({ Filters: [mark, isThere], ...page }, signal),
      ({ Reservations }) => Reservations?.flatMap(({ Instances }) => Instances ?? []),
    );
  const all = (
    await Promise.all(
      marks(context)
        .slice(0, owner === "theirs" ? 1 : 2)
        .map(ask),
    )
  ).flat();
  return [...new Map(all.map((one) => [one.InstanceId, one])).values()];
}

async function findVolumes(context: ResourceContext, signal: AbortSignal): Promise<Volume[]> {
  const ec2 = await context.aws.ec2();
  const ask = (page: object) => ec2.describeVolumes({ Filters: marks(context).slice(0, 1), ...page }, signal);
  return (await ec2Pages(ask, ({ Volumes }) => Volumes)).filter(({ State }) => State !== "deleted");
}

/** Those in a VPC of ours that is still there say what holds it. */
async function findInterfaces({ context, kinds }: Sweep, signal: AbortSignal): Promise<NetworkInterface[]> {
  const ec2 = await context.aws.ec2();
  const vpcs = (await kinds.find(({ name }) => name === "vpc")?.list(signal)) ?? [];
  const within = vpcs.map(({ label }) => [{ Name: "vpc-id", Values: [label] }]);
  const filters = [marks(context).slice(0, 1), ...within];
  const all = (await Promise.all(filters.map((one) => interfacesOf(ec2, one, signal)))).flat();
  return [...new Map(all.map((one) => [one.NetworkInterfaceId, one])).values()];
}
