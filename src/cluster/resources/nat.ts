import type { Address, NatGateway as Described } from "@aws-sdk/client-ec2";
import { CortexError } from "../../core/errors.ts";
import { poll } from "../../core/graph/poll.ts";
import type { Found, ResourceKind } from "../../core/graph/resource.ts";
import { type ResourceContext, tagsOf } from "./context.ts";
import { ec2Pages } from "./pages.ts";
import type { SubnetKind } from "./subnet.ts";
import { type Filter, findOurs, idFrom, type Tags, tagDifferences, tagList, tagsFrom } from "./tags.ts";
import { removeWhenFree, unless, untilKnown, type Waiting } from "./wait.ts";
import { writeTags } from "./write-tags.ts";

export interface NatAddressWish {
  readonly id: string;
}

/** A public address that stays the same. */
export interface NatAddress {
  readonly allocationId: string;
  readonly publicIp: string;
  readonly tags: Tags;
}

export type NatAddressKind = ResourceKind<NatAddressWish, NatAddress>;

export function natAddressKind(context: ResourceContext): NatAddressKind {
  const { aws } = context;
  return {
    name: "nat-address",
    title: "elastic IP",
    // An internet gateway stays attached for as long as there are public addresses behind it.
    needs: ["internet-gateway"],
    typicalMs: { create: 1_000, update: 1_000, remove: 1_000 },
    async list(signal) {
      const ec2 = await aws.ec2();
      const ask = async (Filters: Filter[]) => (await ec2.describeAddresses({ Filters }, signal)).Addresses ?? [];
      return (await findOurs(context, ask)).map(foundAddress);
    },
    async create({ id }, _doing, signal) {
      const ec2 = await aws.ec2();
      const tags = tagsOf(context, id);
      const marked = [{ ResourceType: "elastic-ip" as const, Tags: tagList(tags) }];
      const made = await ec2.allocateAddress({ Domain: "vpc", TagSpecifications: marked }, signal);
      return { allocationId: made.AllocationId ?? "", publicIp: made.PublicIp ?? "", tags };
    },
    differences: ({ id }, state) => tagDifferences(tagsOf(context, id), state.tags),
    update: ({ id }, state, waiting, signal) =>
      withTags(context, { id, resource: state.allocationId }, state, waiting, signal),
    async settle({ state }) {
      return state;
    },
    async remove({ allocationId, publicIp }, waiting, signal) {
      const ec2 = await aws.ec2();
      const removal = {
        what: `elastic IP ${publicIp}`,
        gone: ["InvalidAllocationID.NotFound", "InvalidAddress.NotFound"],
        busy: ["InvalidIPAddress.InUse", "InvalidAddress.Locked", "DependencyViolation"],
        remove: () => ec2.releaseAddress({ AllocationId: allocationId }, signal),
        release: async () => ({ names: "a NAT gateway that is being deleted" }),
      };
      await removeWhenFree(removal, waiting, signal);
    },
  };
}

export interface NatGatewayWish {
  readonly id: string;
  /** Ids of the wishes that it needs. */
  readonly subnet: string;
  readonly address: string;
}

export interface NatGateway {
  readonly natGatewayId: string;
  readonly tags: Tags;
}

export type NatGatewayKind = ResourceKind<NatGatewayWish, NatGateway>;

const createMs = 100_000;
const removeMs = 60_000;
const timeoutMs = 15 * 60_000;

export function natGatewayKind(
  context: ResourceContext,
  { subnet: subnets, natAddress: addresses }: { readonly subnet: SubnetKind; readonly natAddress: NatAddressKind },
): NatGatewayKind {
  const { aws } = context;

  async function describe(natGatewayId: string, signal: AbortSignal): Promise<Described | undefined> {
    const { NatGateways } = await (await aws.ec2()).describeNatGateways({ NatGatewayIds: [natGatewayId] }, signal);
    return NatGateways?.[0];
  }

  async function untilAvailable(state: NatGateway, waiting: Waiting, signal: AbortSignal): Promise<NatGateway> {
    const { natGatewayId } = state;
    const look = async (): Promise<NatGateway | undefined> => {
      const gateway = await untilKnown(waiting, () => describe(natGatewayId, signal), signal);
      const status = gateway?.State ?? "pending";
      if (status === "available") return state;
      if (status === "pending") return undefined;
      throw failure(natGatewayId, gateway);
    };
    const until = `NAT gateway ${natGatewayId} is available`;
    return poll(look, { clock: waiting.clock, until, typicalMs: createMs, timeoutMs }, signal);
  }

  return {
    name: "nat-gateway",
    title: "NAT gateway",
    needs: ["subnet", "nat-address", "internet-gateway"],
    typicalMs: { create: createMs, update: 1_000, remove: removeMs },
    async list(signal) {
      const ec2 = await aws.ec2();
      const ask = (Filter: Filter[]) =>
        ec2Pages(
          (page) => ec2.describeNatGateways({ Filter, ...page }, signal),
          (page) => page.NatGateways,
        );
      const all = await findOurs(context, ask);
      return all.filter(({ State }) => State !== "deleted").map(foundGateway);
    },
    async create({ id, subnet, address }, doing, signal) {
      const ec2 = await aws.ec2();
      const tags = tagsOf(context, id);
      const gateway = {
        SubnetId: doing.states.of(subnets, subnet).subnetId,
        AllocationId: doing.states.of(addresses, address).allocationId,
        // Another one each time: AWS would answer with one that was deleted meanwhile.
        ClientToken: crypto.randomUUID(),
        TagSpecifications: [{ ResourceType: "natgateway" as const, Tags: tagList(tags) }],
      };
      const made = await untilKnown(doing, () => ec2.createNatGateway(gateway, signal), signal);
      return untilAvailable({ natGatewayId: made.NatGateway?.NatGatewayId ?? "", tags }, doing, signal);
    },
    differences: ({ id }, state) => tagDifferences(tagsOf(context, id), state.tags),
    update: ({ id }, state, waiting, signal) =>
      withTags(context, { id, resource: state.natGatewayId }, state, waiting, signal),
    settle: ({ state }, waiting, signal) => untilAvailable(state, waiting, signal),
    async remove({ natGatewayId }, { clock }, signal) {
      const ec2 = await aws.ec2();
      const gone = ["NatGatewayNotFound", "InvalidNatGatewayID.NotFound"];
      await unless(gone, () => ec2.deleteNatGateway({ NatGatewayId: natGatewayId }, signal));
      const look = async (): Promise<true | undefined> => {
        const gateway = await describe(natGatewayId, signal);
        return gateway === undefined || gateway.State === "deleted" ? true : undefined;
      };
      const until = `NAT gateway ${natGatewayId} is deleted`;
      await unless(gone, () => poll(look, { clock, until, typicalMs: removeMs, timeoutMs }, signal));
    },
  };
}

/** Of both nothing changes but the tags. */
async function withTags<State extends { readonly tags: Tags }>(
  context: ResourceContext,
  { id, resource }: { readonly id: string; readonly resource: string },
  state: State,
  waiting: Waiting,
  signal: AbortSignal,
): Promise<State> {
  const marked = { resource, found: state.tags };
  return { ...state, tags: await writeTags(context.aws, marked, tagsOf(context, id), waiting, signal) };
}

function foundAddress({ AllocationId = "", PublicIp = "", Tags }: Address): Found<NatAddress> {
  const tags = tagsFrom(Tags);
  return {
    id: idFrom("nat-address", tags, AllocationId),
    label: AllocationId,
    state: { allocationId: AllocationId, publicIp: PublicIp, tags },
    status: "ready",
  };
}

const statuses: Readonly<Record<string, Found<unknown>["status"]>> = {
  pending: "making",
  available: "ready",
  failed: "failed",
  deleting: "removing",
};

function foundGateway(gateway: Described): Found<NatGateway> {
  const { NatGatewayId = "", SubnetId = "", NatGatewayAddresses = [], CreateTime, State = "pending" } = gateway;
  const tags = tagsFrom(gateway.Tags);
  const addresses = NatGatewayAddresses.flatMap(({ AllocationId }) => AllocationId ?? []);
  return {
    id: idFrom("nat-gateway", tags, NatGatewayId),
    label: NatGatewayId,
    state: { natGatewayId: NatGatewayId, tags },
    status: statuses[State] ?? "making",
    ...(gateway.FailureMessage && { cause: gateway.FailureMessage }),
    ...(CreateTime && { createdAt: CreateTime.getTime() }),
    uses: [SubnetId, ...addresses],
  };
}

function failure(natGatewayId: string, gateway: Described | undefined): CortexError {
  const { State = "gone", FailureMessage = "AWS does not say why", FailureCode } = gateway ?? {};
  const isFull = FailureCode === "InsufficientFreeAddressesInSubnet";
  return new CortexError(
    isFull ? "NO_CAPACITY" : "FAILED",
    `NAT gateway ${natGatewayId} is ${State}: ${FailureMessage}`,
    {
      hint: "run the same command again: it is made anew",
    },
  );
}
