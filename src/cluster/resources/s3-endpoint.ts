import type { VpcEndpoint } from "@aws-sdk/client-ec2";
import { awsErrorName } from "../../aws/refusal.ts";
import { CortexError } from "../../core/errors.ts";
import { poll } from "../../core/graph/poll.ts";
import type { Found, ResourceKind, States } from "../../core/graph/resource.ts";
import { type ResourceContext, tagsOf } from "./context.ts";
import { ec2Pages } from "./pages.ts";
import type { RouteTableKind } from "./route-table.ts";
import { type Filter, findOurs, idFrom, type Tags, tagDifferences, tagList, tagsFrom } from "./tags.ts";
import type { VpcKind } from "./vpc.ts";
import { untilKnown, type Waiting } from "./wait.ts";
import { writeTags } from "./write-tags.ts";

/** Ids of the wishes of what it is in. */
export interface S3EndpointWish {
  readonly id: string;
  readonly vpc: string;
  readonly routeTables: readonly string[];
}

/** A way to S3 that costs nothing and leads through no gateway. */
export interface S3Endpoint {
  readonly endpointId: string;
  readonly vpcId: string;
  readonly routeTableIds: readonly string[];
  readonly tags: Tags;
}

export type S3EndpointKind = ResourceKind<S3EndpointWish, S3Endpoint>;

export function s3EndpointKind(
  context: ResourceContext,
  { vpc: vpcs, routeTable: routeTables }: { readonly vpc: VpcKind; readonly routeTable: RouteTableKind },
): S3EndpointKind {
  const { aws } = context;
  const tableIds = (wish: S3EndpointWish, states: States) =>
    wish.routeTables.map((id) => states.of(routeTables, id).routeTableId);

  async function describe(endpointId: string, signal: AbortSignal): Promise<VpcEndpoint | undefined> {
    const ec2 = await aws.ec2();
    try {
      return (await ec2.describeVpcEndpoints({ VpcEndpointIds: [endpointId] }, signal)).VpcEndpoints?.[0];
    } catch (error) {
      if (awsErrorName(error) === "InvalidVpcEndpointId.NotFound") return undefined;
      throw error;
    }
  }

  async function untilAvailable(state: S3Endpoint, waiting: Waiting, signal: AbortSignal): Promise<S3Endpoint> {
    const look = async (): Promise<S3Endpoint | undefined> => {
      const endpoint = await describe(state.endpointId, signal);
      const status = endpoint?.State?.toLowerCase() ?? "pending";
      if (status === "available") return state;
      if (status === "pending") return undefined;
      const why = endpoint?.LastError?.Message ?? "AWS does not say why";
      throw new CortexError("FAILED", `VPC endpoint ${state.endpointId} for S3 is ${status}: ${why}`, {
        hint: "run the same command again: it is made anew",
      });
    };
    const until = `VPC endpoint ${state.endpointId} is available`;
    return poll(look, { clock: waiting.clock, until, typicalMs: 2_000, timeoutMs: 5 * 60_000 }, signal);
  }

  return {
    name: "s3-endpoint",
    title: "S3 endpoint",
    needs: ["vpc", "route-table"],
    typicalMs: { create: 2_000, update: 1_000, remove: 2_000 },
    async list(signal) {
      const ec2 = await aws.ec2();
      const ask = (Filters: Filter[]) =>
        ec2Pages(
          (page) => ec2.describeVpcEndpoints({ Filters, ...page }, signal),
          (page) => page.VpcEndpoints,
        );
      const all = await findOurs(context, ask);
      return all.filter(({ State }) => State?.toLowerCase() !== "deleted").map(found);
    },
    async create(wish, doing, signal) {
      const ec2 = await aws.ec2();
      const { vpcId } = doing.states.of(vpcs, wish.vpc);
      const routeTableIds = tableIds(wish, doing.states);
      const tags = tagsOf(context, wish.id);
      const endpoint = {
        VpcEndpointType: "Gateway" as const,
        ServiceName: `com.amazonaws.${aws.region}.s3`,
        VpcId: vpcId,
        RouteTableIds: routeTableIds,
        ClientToken: crypto.randomUUID(),
        TagSpecifications: [{ ResourceType: "vpc-endpoint" as const, Tags: tagList(tags) }],
      };
      const made = await untilKnown(doing, () => ec2.createVpcEndpoint(endpoint, signal), signal);
      const state = { endpointId: made.VpcEndpoint?.VpcEndpointId ?? "", vpcId, routeTableIds, tags };
      return made.VpcEndpoint?.State?.toLowerCase() === "available" ? state : untilAvailable(state, doing, signal);
    },
    differences(wish, state, states) {
      const lacking = tableIds(wish, states).filter((id) => !state.routeTableIds.includes(id));
      return [
        ...lacking.map((id) => ({ field: "route tables", from: "none", to: id })),
        ...tagDifferences(tagsOf(context, wish.id), state.tags),
      ];
    },
    async update(wish, state, doing, signal) {
      const ec2 = await aws.ec2();
      const { endpointId } = state;
      const lacking = tableIds(wish, doing.states).filter((id) => !state.routeTableIds.includes(id));
      if (lacking.length > 0) {
        const more = { VpcEndpointId: endpointId, AddRouteTableIds: lacking };
        await untilKnown(doing, () => ec2.modifyVpcEndpoint(more, signal), signal);
      }
      const marked = { resource: endpointId, found: state.tags };
      const tags = await writeTags(aws, marked, tagsOf(context, wish.id), doing, signal);
      return { ...state, routeTableIds: [...state.routeTableIds, ...lacking], tags };
    },
    settle: ({ state }, waiting, signal) => untilAvailable(state, waiting, signal),
    async remove({ endpointId }, { clock }, signal) {
      const ec2 = await aws.ec2();
      const { Unsuccessful = [] } = await ec2.deleteVpcEndpoints({ VpcEndpointIds: [endpointId] }, signal);
      const refused = Unsuccessful.find((one) => !/NotFound$/.test(one.Error?.Code ?? ""));
      if (refused) {
        throw new CortexError("FAILED", `VPC endpoint ${endpointId} is not deleted: ${refused.Error?.Message}`, {
          hint: "run the same command again",
        });
      }
      const look = async (): Promise<true | undefined> => {
        const state = (await describe(endpointId, signal))?.State?.toLowerCase() ?? "deleted";
        return state === "deleted" ? true : undefined;
      };
      if (await look()) return;
      const until = `VPC endpoint ${endpointId} is deleted`;
      await poll(look, { clock, until, typicalMs: 5_000, timeoutMs: 10 * 60_000 }, signal);
    },
  };
}

const statuses: Readonly<Record<string, Found<unknown>["status"]>> = {
  available: "ready",
  deleting: "removing",
  failed: "failed",
  rejected: "failed",
  expired: "failed",
};

function found(endpoint: VpcEndpoint): Found<S3Endpoint> {
  const { VpcEndpointId = "", VpcId = "", RouteTableIds = [], State = "", CreationTimestamp, LastError } = endpoint;
  const tags = tagsFrom(endpoint.Tags);
  return {
    id: idFrom("s3-endpoint", tags, VpcEndpointId),
    label: VpcEndpointId,
    state: { endpointId: VpcEndpointId, vpcId: VpcId, routeTableIds: RouteTableIds, tags },
    status: statuses[State.toLowerCase()] ?? "making",
    ...(LastError?.Message && { cause: LastError.Message }),
    ...(CreationTimestamp && { createdAt: CreationTimestamp.getTime() }),
    uses: [VpcId, ...RouteTableIds],
  };
}
