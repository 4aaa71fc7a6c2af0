import { type States, type Wanted, want } from "../core/graph/resource.ts";
import type { Cluster } from "../spec/parse-cluster.ts";
import { divideNetwork } from "./address-ranges.ts";
import type { Facts, Zone } from "./facts.ts";
import { logGroupIds } from "./resources/log-group.ts";
import { namesOf } from "./resources/names.ts";
import type { NetworkKinds } from "./resources/network-kinds.ts";
import type { SubnetWish } from "./resources/subnet.ts";

/** A subnet that is made, by the id of its wish, or one of the user's own. */
export type SubnetRef = { readonly resource: string } | { readonly subnetId: string };

export interface NetworkPlan {
  readonly wanted: readonly Wanted[];
  /** By the id of its wish, or the user's own. */
  readonly vpc: { readonly resource: string } | { readonly vpcId: string };
  /** Where EKS puts the interfaces of the control plane: at least two zones. */
  readonly controlPlaneSubnets: readonly SubnetRef[];
  readonly nodeSubnets: readonly SubnetRef[];
  /** Ids of what must be there, besides the subnets, for an instance to reach the internet. */
  readonly nodesNeed: readonly string[];
}

/** What is stored, and where instances live. Pure. @throws SPEC_INVALID when the network is no size for its zones */
export function wantedNetwork(cluster: Cluster, facts: Facts, kinds: NetworkKinds): NetworkPlan {
  const stores = wantedStores(cluster, facts, kinds);
  const { ownNetwork } = facts;
  if (ownNetwork) {
    const subnets = ownNetwork.subnets.map(({ id }) => ({ subnetId: id }));
    return {
      wanted: stores,
      vpc: { vpcId: ownNetwork.vpcId },
      controlPlaneSubnets: subnets,
      nodeSubnets: subnets,
      nodesNeed: [],
    };
  }
  const { subnets, routes, wanted } = wantedVpc(cluster, facts.zones, kinds);
  const nodeSubnets = (cluster.subnet_visibility === "private" ? subnets.private : subnets.public).map(refOf);
  return {
    wanted: [...stores, ...wanted],
    vpc: { resource: vpcId },
    controlPlaneSubnets: nodeSubnets,
    nodeSubnets,
    nodesNeed: cluster.subnet_visibility === "private" ? routes.private : routes.public,
  };
}

/** @returns ids of the wishes of subnets that are made, for what needs them */
export function needsOf(refs: readonly SubnetRef[]): string[] {
  return refs.flatMap((ref) => ("resource" in ref ? [ref.resource] : []));
}

/** @returns the subnets' ids as AWS knows them, in order. Who asks must need those that are made: see `needsOf` */
export function subnetIds(
  refs: readonly SubnetRef[],
  states: States,
  { subnet }: Pick<NetworkKinds, "subnet">,
): string[] {
  return refs.map((ref) => ("resource" in ref ? states.of(subnet, ref.resource).subnetId : ref.subnetId));
}

const vpcId = "vpc";
const gatewayId = "internet-gateway";

/** What a cluster keeps, whatever its network is. */
function wantedStores(cluster: Cluster, facts: Facts, kinds: NetworkKinds): Wanted[] {
  const { accountId } = facts.identity;
  const { logGroups } = namesOf({ clusterName: cluster.cluster_name, accountId, region: facts.region });
  const logGroup = (id: string, name: string) =>
    want({ kind: kinds.logGroup, id, needs: [], wish: { id, name }, detail: name });
  return [
    want({ kind: kinds.bucket, id: "bucket", needs: [], wish: { id: "bucket" } }),
    want({ kind: kinds.repository, id: "repository", needs: [], wish: { id: "repository" } }),
    logGroup(logGroupIds.containers, logGroups.containers),
    logGroup(logGroupIds.controlPlane, logGroups.controlPlane),
  ];
}

interface WantedVpc {
  readonly wanted: readonly Wanted[];
  readonly subnets: { readonly public: readonly SubnetWish[]; readonly private: readonly SubnetWish[] };
  /** Ids of the route tables. */
  readonly routes: { readonly public: readonly string[]; readonly private: readonly string[] };
}

function wantedVpc(cluster: Cluster, zones: readonly Zone[], kinds: NetworkKinds): WantedVpc {
  const subnets = wantedSubnets(cluster, zones);
  const natZones = natZonesOf(cluster, zones);
  const natOf = (zone: Zone) => (natZones.includes(zone) ? zone : natZones[0]);
  const publicTable = {
    id: "route-table/public",
    vpc: vpcId,
    subnets: subnets.public.map(({ id }) => id),
    wayOut: { internetGateway: gatewayId },
  };
  const privateTables = zones.slice(0, subnets.private.length).map((zone, index) => {
    const nat = natOf(zone);
    return {
      id: `route-table/private-${zone.name}`,
      vpc: vpcId,
      subnets: [subnets.private[index]!.id],
      wayOut: nat && { natGateway: natId(nat) },
    };
  });
  const tables = [publicTable, ...privateTables];
  const endpoint = { id: "s3-endpoint", vpc: vpcId, routeTables: tables.map(({ id }) => id) };
  const wanted = [
    want({
      kind: kinds.vpc,
      id: vpcId,
      needs: [],
      wish: { id: vpcId, cidr: cluster.vpc_cidr },
      field: "vpc_cidr",
      detail: cluster.vpc_cidr,
    }),
    want({ kind: kinds.internetGateway, id: gatewayId, needs: [vpcId], wish: { id: gatewayId, vpc: vpcId } }),
    ...[...subnets.public, ...subnets.private].map((wish) =>
      want({ kind: kinds.subnet, id: wish.id, needs: [vpcId], wish, field: "availability_zones", detail: wish.cidr }),
    ),
    ...natZones.flatMap((zone) => wantedNat(zone, kinds)),
    ...tables.map((wish) => want({ kind: kinds.routeTable, id: wish.id, needs: needsOfTable(wish), wish })),
    want({ kind: kinds.s3Endpoint, id: endpoint.id, needs: [vpcId, ...endpoint.routeTables], wish: endpoint }),
  ];
  return { wanted, subnets, routes: { public: [publicTable.id], private: privateTables.map(({ id }) => id) } };
}

/** Private subnets are there when something may be in them: nodes, or what NAT gateways are asked for. */
function wantedSubnets(cluster: Cluster, zones: readonly Zone[]): WantedVpc["subnets"] {
  const ranges = divideNetwork(cluster.vpc_cidr, zones.length);
  const hasPrivate = cluster.subnet_visibility === "private" || natMode(cluster) !== "none";
  const wish = (zone: Zone, cidr: string, isPublic: boolean): SubnetWish => ({
    id: `subnet/${isPublic ? "public" : "private"}-${zone.name}`,
    vpc: vpcId,
    zone: zone.name,
    cidr,
    isPublic,
    loadBalancers: isPublic ? (hasPrivate ? ["internet-facing"] : ["internet-facing", "internal"]) : ["internal"],
  });
  return {
    public: zones.map((zone, index) => wish(zone, ranges.public[index]!, true)),
    private: hasPrivate ? zones.map((zone, index) => wish(zone, ranges.private[index]!, false)) : [],
  };
}

function natMode({ nat_gateway, subnet_visibility }: Cluster): "none" | "single" | "highly_available" {
  return nat_gateway ?? (subnet_visibility === "private" ? "single" : "none");
}

function natZonesOf(cluster: Cluster, zones: readonly Zone[]): readonly Zone[] {
  const counts = { none: 0, single: 1, highly_available: zones.length };
  return zones.slice(0, counts[natMode(cluster)]);
}

function natId(zone: Zone): string {
  return `nat-gateway/${zone.name}`;
}

function wantedNat(zone: Zone, kinds: NetworkKinds): Wanted[] {
  const address = `nat-address/${zone.name}`;
  const subnet = `subnet/public-${zone.name}`;
  // A NAT gateway comes up only where the way out is there already.
  const needs = [subnet, address, gatewayId];
  const wish = { id: natId(zone), subnet, address };
  return [
    want({ kind: kinds.natAddress, id: address, needs: [], wish: { id: address }, field: "nat_gateway" }),
    want({ kind: kinds.natGateway, id: wish.id, needs, wish, field: "nat_gateway" }),
  ];
}

interface TableWish {
  readonly vpc: string;
  readonly subnets: readonly string[];
  readonly wayOut: { readonly internetGateway: string } | { readonly natGateway: string } | undefined;
}

function needsOfTable({ vpc, subnets, wayOut }: TableWish): string[] {
  return [vpc, ...subnets, ...(wayOut ? Object.values(wayOut) : [])];
}

function refOf({ id }: SubnetWish): SubnetRef {
  return { resource: id };
}
