import type { RouteTable as Described } from "@aws-sdk/client-ec2";
import { awsErrorName } from "../../aws/refusal.ts";
import type { Ec2 } from "../../aws/services/ec2.ts";
import type { Difference, Found, ResourceKind, States } from "../../core/graph/resource.ts";
import { type ResourceContext, tagsOf } from "./context.ts";
import type { InternetGatewayKind } from "./internet-gateway.ts";
import type { NatGatewayKind } from "./nat.ts";
import { ec2Pages } from "./pages.ts";
import type { SubnetKind } from "./subnet.ts";
import { type Filter, findOurs, idFrom, type Tags, tagDifferences, tagList, tagsFrom } from "./tags.ts";
import type { VpcKind } from "./vpc.ts";
import { removeWhenFree, unless, untilKnown, type Waiting } from "./wait.ts";
import { writeTags } from "./write-tags.ts";

/** Ids of the wishes of what it leads to, and of the subnets that go by it. */
export interface RouteTableWish {
  readonly id: string;
  readonly vpc: string;
  readonly subnets: readonly string[];
  /** Where all goes that is not for the VPC; undefined: nowhere. */
  readonly wayOut: { readonly internetGateway: string } | { readonly natGateway: string } | undefined;
}

export interface RouteTable {
  readonly routeTableId: string;
  readonly vpcId: string;
  /** Id of the gateway that all goes to that is not for the VPC; undefined: there is no such route. */
  readonly wayOut: string | undefined;
  /** What it led to is gone. */
  readonly isBroken: boolean;
  /** Id of the association, by subnet. */
  readonly associations: Readonly<Record<string, string>>;
  readonly tags: Tags;
}

export type RouteTableKind = ResourceKind<RouteTableWish, RouteTable>;

interface Around {
  readonly vpc: VpcKind;
  readonly subnet: SubnetKind;
  readonly internetGateway: InternetGatewayKind;
  readonly natGateway: NatGatewayKind;
}

/** A wish in the ids of AWS. */
interface Route {
  readonly subnetIds: readonly string[];
  readonly wayOut: { readonly GatewayId: string } | { readonly NatGatewayId: string } | undefined;
}

const everywhere = "0.0.0.0/0";

export function routeTableKind(context: ResourceContext, around: Around): RouteTableKind {
  const { aws } = context;

  function routeOf({ subnets, wayOut }: RouteTableWish, states: States): Route {
    const subnetIds = subnets.map((id) => states.of(around.subnet, id).subnetId);
    if (wayOut === undefined) return { subnetIds, wayOut };
    if ("natGateway" in wayOut) {
      return { subnetIds, wayOut: { NatGatewayId: states.of(around.natGateway, wayOut.natGateway).natGatewayId } };
    }
    return { subnetIds, wayOut: { GatewayId: states.of(around.internetGateway, wayOut.internetGateway).gatewayId } };
  }

  async function bringAbout(
    { id, route }: { readonly id: string; readonly route: Route },
    state: RouteTable,
    waiting: Waiting,
    signal: AbortSignal,
  ): Promise<RouteTable> {
    const ec2 = await aws.ec2();
    const lacking = route.subnetIds.filter((subnetId) => state.associations[subnetId] === undefined);
    const [associated] = await Promise.all([
      Promise.all(lacking.map((subnetId) => associate(ec2, state.routeTableId, subnetId, waiting, signal))),
      leadOut(ec2, route, state, waiting, signal),
    ]);
    const marked = { resource: state.routeTableId, found: state.tags };
    return {
      ...state,
      wayOut: targetOf(route) ?? state.wayOut,
      isBroken: false,
      associations: { ...state.associations, ...Object.fromEntries(associated) },
      tags: await writeTags(aws, marked, tagsOf(context, id), waiting, signal),
    };
  }

  return {
    name: "route-table",
    title: "route table",
    needs: ["vpc", "subnet", "internet-gateway", "nat-gateway"],
    typicalMs: { create: 2_000, update: 1_000, remove: 2_000 },
    async list(signal) {
      const ec2 = await aws.ec2();
      const ask = (Filters: Filter[]) =>
        ec2Pages(
          (page) => ec2.describeRouteTables({ Filters, ...page }, signal),
          (page) => page.RouteTables,
        );
      return (await findOurs(context, ask)).map(found);
    },
    async create(wish, doing, signal) {
      const ec2 = await aws.ec2();
      const { vpcId } = doing.states.of(around.vpc, wish.vpc);
      const route = routeOf(wish, doing.states);
      const tags = tagsOf(context, wish.id);
      const marked = [{ ResourceType: "route-table" as const, Tags: tagList(tags) }];
      const create = () => ec2.createRouteTable({ VpcId: vpcId, TagSpecifications: marked }, signal);
      const { RouteTable: made } = await untilKnown(doing, create, signal);
      const routeTableId = made?.RouteTableId ?? "";
      const state = { routeTableId, vpcId, wayOut: undefined, isBroken: false, associations: {}, tags };
      return bringAbout({ id: wish.id, route }, state, doing, signal);
    },
    differences(wish, state, states) {
      const tags = tagDifferences(tagsOf(context, wish.id), state.tags);
      return [...routeDifferences(routeOf(wish, states), state), ...tags];
    },
    update: (wish, state, doing, signal) =>
      bringAbout({ id: wish.id, route: routeOf(wish, doing.states) }, state, doing, signal),
    async settle({ state }) {
      return state;
    },
    async remove({ routeTableId, associations }, waiting, signal) {
      const ec2 = await aws.ec2();
      const release = async () => {
        await Promise.all(Object.values(associations).map((id) => disassociate(ec2, id, signal)));
        return { names: "its subnets" };
      };
      await release();
      const removal = {
        what: `route table ${routeTableId}`,
        gone: ["InvalidRouteTableID.NotFound"],
        busy: ["DependencyViolation"],
        remove: () => ec2.deleteRouteTable({ RouteTableId: routeTableId }, signal),
        release,
      };
      await removeWhenFree(removal, waiting, signal);
    },
  };
}

function routeDifferences(route: Route, { wayOut, isBroken, associations }: RouteTable): Difference[] {
  const target = targetOf(route);
  const from = isBroken ? `${wayOut ?? "a gateway"}, which is gone` : (wayOut ?? "none");
  const isRight = target === undefined || (target === wayOut && !isBroken);
  return [
    ...(isRight ? [] : [{ field: `route to ${everywhere}`, from, to: target }]),
    ...route.subnetIds
      .filter((subnetId) => associations[subnetId] === undefined)
      .map((subnetId) => ({ field: "subnets", from: "none", to: subnetId })),
  ];
}

function targetOf({ wayOut }: Route): string | undefined {
  if (wayOut === undefined) return undefined;
  return "NatGatewayId" in wayOut ? wayOut.NatGatewayId : wayOut.GatewayId;
}

async function leadOut(
  ec2: Ec2,
  route: Route,
  state: RouteTable,
  waiting: Waiting,
  signal: AbortSignal,
): Promise<void> {
  const isRight = targetOf(route) === state.wayOut && !state.isBroken;
  if (route.wayOut === undefined || isRight) return;
  const wanted = { RouteTableId: state.routeTableId, DestinationCidrBlock: everywhere, ...route.wayOut };
  const replace = () => untilKnown(waiting, () => ec2.replaceRoute(wanted, signal), signal);
  if (state.wayOut !== undefined || state.isBroken) {
    await replace();
    return;
  }
  try {
    await untilKnown(waiting, () => ec2.createRoute(wanted, signal), signal);
  } catch (error) {
    if (awsErrorName(error) !== "RouteAlreadyExists") throw error;
    await replace();
  }
}

/** @returns the subnet and the id of its association */
async function associate(
  ec2: Ec2,
  routeTableId: string,
  subnetId: string,
  waiting: Waiting,
  signal: AbortSignal,
): Promise<readonly [string, string]> {
  const wanted = { RouteTableId: routeTableId, SubnetId: subnetId };
  const ask = () => untilKnown(waiting, () => ec2.associateRouteTable(wanted, signal), signal);
  try {
    return [subnetId, (await ask()).AssociationId ?? ""];
  } catch (error) {
    if (awsErrorName(error) !== "Resource.AlreadyAssociated") throw error;
  }
  // Either the first try did it and its answer was lost, or somebody gave the subnet another table.
  const filters = { Filters: [{ Name: "association.subnet-id", Values: [subnetId] }] };
  const [table] = (await ec2.describeRouteTables(filters, signal)).RouteTables ?? [];
  const current = table?.Associations?.find(({ SubnetId }) => SubnetId === subnetId)?.RouteTableAssociationId ?? "";
  if (table?.RouteTableId === routeTableId) return [subnetId, current];
  await disassociate(ec2, current, signal);
  return [subnetId, (await ask()).AssociationId ?? ""];
}

async function disassociate(ec2: Ec2, AssociationId: string, signal: AbortSignal): Promise<void> {
  await unless(["InvalidAssociationID.NotFound"], () => ec2.disassociateRouteTable({ AssociationId }, signal));
}

function found({ RouteTableId = "", VpcId = "", Routes, Associations, Tags }: Described): Found<RouteTable> {
  const tags = tagsFrom(Tags);
  const out = Routes?.find(({ DestinationCidrBlock }) => DestinationCidrBlock === everywhere);
  const wayOut = out?.NatGatewayId ?? out?.GatewayId;
  const pairs = (Associations ?? []).flatMap(({ SubnetId, RouteTableAssociationId, AssociationState }) =>
    SubnetId && RouteTableAssociationId && !/^disassociat/.test(AssociationState?.State ?? "")
      ? [[SubnetId, RouteTableAssociationId] as const]
      : [],
  );
  return {
    id: idFrom("route-table", tags, RouteTableId),
    label: RouteTableId,
    state: {
      routeTableId: RouteTableId,
      vpcId: VpcId,
      wayOut,
      isBroken: out !== undefined && (out.State === "blackhole" || wayOut === undefined),
      associations: Object.fromEntries(pairs),
      tags,
    },
    status: "ready",
    uses: [VpcId, ...pairs.map(([subnetId]) => subnetId), ...(wayOut === undefined ? [] : [wayOut])],
  };
}
