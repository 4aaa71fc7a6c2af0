import type { InternetGateway as Described } from "@aws-sdk/client-ec2";
import type { Ec2 } from "../../aws/services/ec2.ts";
import type { Found, ResourceKind } from "../../core/graph/resource.ts";
import { type ResourceContext, tagsOf } from "./context.ts";
import { publicAddressesOf } from "./network-holders.ts";
import { ec2Pages } from "./pages.ts";
import { type Filter, findOurs, idFrom, type Tags, tagDifferences, tagList, tagsFrom } from "./tags.ts";
import type { VpcKind } from "./vpc.ts";
import { removeWhenFree, unless, untilKnown, type Waiting } from "./wait.ts";
import { writeTags } from "./write-tags.ts";

export interface InternetGatewayWish {
  readonly id: string;
  readonly vpc: string;
}

export interface InternetGateway {
  readonly gatewayId: string;
  /** Undefined: it is attached to none. */
  readonly vpcId: string | undefined;
  readonly tags: Tags;
}

export type InternetGatewayKind = ResourceKind<InternetGatewayWish, InternetGateway>;

export function internetGatewayKind(context: ResourceContext, vpcs: VpcKind): InternetGatewayKind {
  const { aws } = context;

  async function bringAbout(
    { id, vpcId }: { readonly id: string; readonly vpcId: string },
    state: InternetGateway,
    waiting: Waiting,
    signal: AbortSignal,
  ): Promise<InternetGateway> {
    const ec2 = await aws.ec2();
    const { gatewayId } = state;
    if (state.vpcId !== vpcId) {
      if (state.vpcId !== undefined) await detach(ec2, gatewayId, state.vpcId, waiting, signal);
      const attachment = { InternetGatewayId: gatewayId, VpcId: vpcId };
      const attach = () => untilKnown(waiting, () => ec2.attachInternetGateway(attachment, signal), signal);
      await unless(["Resource.AlreadyAssociated"], attach);
    }
    const marked = { resource: gatewayId, found: state.tags };
    return { gatewayId, vpcId, tags: await writeTags(aws, marked, tagsOf(context, id), waiting, signal) };
  }

  return {
    name: "internet-gateway",
    title: "internet gateway",
    needs: ["vpc"],
    typicalMs: { create: 2_000, update: 1_000, remove: 3_000 },
    async list(signal) {
      const ec2 = await aws.ec2();
      const ask = (Filters: Filter[]) =>
        ec2Pages(
          (page) => ec2.describeInternetGateways({ Filters, ...page }, signal),
          (page) => page.InternetGateways,
        );
      return (await findOurs(context, ask)).map(found);
    },
    async create({ id, vpc }, doing, signal) {
      const ec2 = await aws.ec2();
      const { vpcId } = doing.states.of(vpcs, vpc);
      const tags = tagsOf(context, id);
      const marked = [{ ResourceType: "internet-gateway" as const, Tags: tagList(tags) }];
      const { InternetGateway: made } = await ec2.createInternetGateway({ TagSpecifications: marked }, signal);
      const state = { gatewayId: made?.InternetGatewayId ?? "", vpcId: undefined, tags };
      return bringAbout({ id, vpcId }, state, doing, signal);
    },
    differences({ id, vpc }, state, states) {
      const tags = tagDifferences(tagsOf(context, id), state.tags);
      const { vpcId } = states.of(vpcs, vpc);
      return state.vpcId === vpcId ? tags : [{ field: "VPC", from: state.vpcId ?? "none", to: vpcId }, ...tags];
    },
    update: ({ id, vpc }, state, doing, signal) =>
      bringAbout({ id, vpcId: doing.states.of(vpcs, vpc).vpcId }, state, doing, signal),
    async settle({ state }) {
      return state;
    },
    async remove({ gatewayId, vpcId }, waiting, signal) {
      const ec2 = await aws.ec2();
      if (vpcId !== undefined) await detach(ec2, gatewayId, vpcId, waiting, signal);
      const removal = {
        what: `internet gateway ${gatewayId}`,
        gone: ["InvalidInternetGatewayID.NotFound"],
        busy: ["DependencyViolation"],
        remove: () => ec2.deleteInternetGateway({ InternetGatewayId: gatewayId }, signal),
        release: async () => ({ names: "" }),
      };
      await removeWhenFree(removal, waiting, signal);
    },
  };
}

/** It stays attached for as long as anything in the VPC has a public address. */
async function detach(ec2: Ec2, gatewayId: string, vpcId: string, waiting: Waiting, signal: AbortSignal) {
  const removal = {
    what: `internet gateway ${gatewayId}`,
    gone: ["Gateway.NotAttached", "InvalidInternetGatewayID.NotFound", "InvalidVpcID.NotFound"],
    busy: ["DependencyViolation"],
    remove: () => ec2.detachInternetGateway({ InternetGatewayId: gatewayId, VpcId: vpcId }, signal),
    release: () => publicAddressesOf(ec2, vpcId, signal),
  };
  await removeWhenFree(removal, waiting, signal);
}

function found({ InternetGatewayId = "", Attachments, Tags }: Described): Found<InternetGateway> {
  const tags = tagsFrom(Tags);
  const vpcId = Attachments?.find(({ State }) => State !== "detached" && State !== "detaching")?.VpcId;
  return {
    id: idFrom("internet-gateway", tags, InternetGatewayId),
    label: InternetGatewayId,
    state: { gatewayId: InternetGatewayId, vpcId, tags },
    status: "ready",
    uses: vpcId === undefined ? [] : [vpcId],
  };
}
