import type { FoundByKind } from "../../core/graph/duplicates.ts";
import type { Difference } from "../../core/graph/resource.ts";
import type { Cluster } from "../../spec/parse-cluster.ts";
import type { ControlPlane } from "../resources/control-plane.ts";
import type { NodeGroup } from "../resources/node-group.ts";
import type { Subnet } from "../resources/subnet.ts";
import type { Vpc } from "../resources/vpc.ts";
import { type ClusterKinds, standingOf } from "./kinds.ts";

export interface Settled {
  /** With what the cluster that is there has settled, so that all the rest can be compared with it. */
  readonly cluster: Cluster;
  /** What the file says otherwise. */
  readonly differences: readonly Difference[];
}

/** Fields of a network stay as they are for as long as the cluster lives. Pure. */
export function settle(cluster: Cluster, found: FoundByKind, kinds: ClusterKinds): Settled {
  const stays = networkOf(found, kinds);
  // Own subnets that are given up, or taken, are another network.
  if (stays.subnets !== undefined && (stays.subnets === "own") !== (cluster.subnets !== null)) {
    const told = { own: "a list of your own", made: "that of the network that was made" };
    const to = stays.subnets === "own" ? told.made : told.own;
    return { cluster, differences: [fixed("subnets", told[stays.subnets], to)] };
  }
  if (cluster.subnets !== null) return { cluster, differences: [] };
  const { vpc_cidr = cluster.vpc_cidr, subnet_visibility = cluster.subnet_visibility, zones } = stays;
  const written = cluster.availability_zones;
  const hasZones = !zones || !written || isSameSet(zones, written);
  return {
    cluster: { ...cluster, vpc_cidr, subnet_visibility, availability_zones: hasZones ? written : zones },
    differences: [
      ...(hasZones ? [] : [fixed("availability_zones", zones.join(", "), written.join(", "))]),
      ...(subnet_visibility === cluster.subnet_visibility
        ? []
        : [fixed("subnet_visibility", subnet_visibility, cluster.subnet_visibility)]),
      ...(vpc_cidr === cluster.vpc_cidr ? [] : [fixed("vpc_cidr", vpc_cidr, cluster.vpc_cidr)]),
    ],
  };
}

interface Network {
  readonly subnets?: "own" | "made";
  readonly vpc_cidr?: string;
  readonly subnet_visibility?: Cluster["subnet_visibility"];
  readonly zones?: string[];
}

/** @returns what is settled of it: nothing before there is a control plane, or while one of two networks is too many */
export function networkOf(found: FoundByKind, kinds: ClusterKinds): Network {
  const { network, eks } = kinds;
  const statesOf = <State>({ name }: { readonly name: string }) =>
    (found.get(name) ?? []).map(({ state }) => state as State);
  const [controlPlane] = statesOf<ControlPlane>(eks.controlPlane);
  const vpcs = statesOf<Vpc>(network.vpc);
  if (!controlPlane?.vpcId || vpcs.length > 1) return {};
  const [vpc] = vpcs;
  if (vpc?.vpcId !== controlPlane.vpcId) return vpc ? {} : { subnets: "own" };
  const visible = new Map(statesOf<Subnet>(network.subnet).map(({ subnetId, isPublic }) => [subnetId, isPublic]));
  const used = statesOf<NodeGroup>(eks.nodeGroup).flatMap(({ subnetIds }) => subnetIds);
  const isPublic = used.map((id) => visible.get(id)).find((one) => one !== undefined);
  const { zones = [] } = standingOf(found, kinds);
  return {
    subnets: "made",
    vpc_cidr: vpc.cidr,
    ...(isPublic !== undefined && { subnet_visibility: isPublic ? "public" : "private" }),
    ...(zones.length > 0 && { zones: [...zones] }),
  };
}

function fixed(field: string, from: string, to: string): Difference {
  const hint = "the network of a cluster stays as it is: write what it has, or make another cluster";
  return { field, from, to, isFixed: { hint } };
}

function isSameSet(one: readonly string[], other: readonly string[]): boolean {
  const [a, b] = [new Set(one), new Set(other)];
  return a.size === b.size && [...a].every((item) => b.has(item));
}
