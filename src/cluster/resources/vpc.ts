import type { Vpc as Described } from "@aws-sdk/client-ec2";
import type { Found, ResourceKind } from "../../core/graph/resource.ts";
import { completeTag, type ResourceContext, tagsOf } from "./context.ts";
import { releaseVpc } from "./network-holders.ts";
import { ec2Pages } from "./pages.ts";
import { idFrom, oursFilter, type Tags, tagDifferences, tagList, tagsFrom } from "./tags.ts";
import { removeWhenFree, untilKnown, type Waiting } from "./wait.ts";
import { writeTags } from "./write-tags.ts";

export interface VpcWish {
  readonly id: string;
  /** e.g. `192.168.0.0/16`. */
  readonly cidr: string;
}

export interface Vpc {
  readonly vpcId: string;
  readonly cidr: string;
  readonly tags: Tags;
}

export type VpcKind = ResourceKind<VpcWish, Vpc>;

/** @param list all VPCs of the cluster; others look there too, so that the answer may be theirs as well */
export function vpcKind(context: ResourceContext, list: (signal: AbortSignal) => Promise<Found<Vpc>[]>): VpcKind {
  const { aws } = context;

  /** EKS asks for names in DNS, and AWS gives them to a new network only when told. */
  async function complete(id: string, state: Vpc, waiting: Waiting, signal: AbortSignal): Promise<Vpc> {
    const ec2 = await aws.ec2();
    const { vpcId } = state;
    const names = { VpcId: vpcId, EnableDnsHostnames: { Value: true } };
    await untilKnown(waiting, () => ec2.modifyVpcAttribute(names, signal), signal);
    const marked = { resource: vpcId, found: state.tags };
    return { ...state, tags: await writeTags(aws, marked, wantedTags(context, id), waiting, signal) };
  }

  return {
    name: "vpc",
    title: "VPC",
    needs: [],
    typicalMs: { create: 2_000, update: 1_000, remove: 2_000 },
    list,
    async create({ id, cidr }, doing, signal) {
      const ec2 = await aws.ec2();
      const tags = tagsOf(context, id);
      const marked = [{ ResourceType: "vpc" as const, Tags: tagList(tags) }];
      const { Vpc: made } = await ec2.createVpc({ CidrBlock: cidr, TagSpecifications: marked }, signal);
      return complete(id, { vpcId: made?.VpcId ?? "", cidr, tags }, doing, signal);
    },
    differences({ id, cidr }, state) {
      const hint = "the network of a cluster stays as it is: write what it has, or make another cluster";
      const fixed = cidr === state.cidr ? [] : [{ field: "vpc_cidr", from: state.cidr, to: cidr, isFixed: { hint } }];
      return [...fixed, ...tagDifferences(wantedTags(context, id), state.tags)];
    },
    update: ({ id }, state, doing, signal) => complete(id, state, doing, signal),
    async settle({ state }) {
      return state;
    },
    async remove({ vpcId }, waiting, signal) {
      const ec2 = await aws.ec2();
      const removal = {
        what: `VPC ${vpcId}`,
        gone: ["InvalidVpcID.NotFound"],
        busy: ["DependencyViolation"],
        remove: () => ec2.deleteVpc({ VpcId: vpcId }, signal),
        release: () => releaseVpc(aws, vpcId, signal),
      };
      await removeWhenFree(removal, waiting, signal);
    },
  };
}

/** @returns every VPC of the cluster */
export async function listVpcs(context: ResourceContext, signal: AbortSignal): Promise<Found<Vpc>[]> {
  const ec2 = await context.aws.ec2();
  const ask = (page: object) => ec2.describeVpcs({ Filters: oursFilter(context), ...page }, signal);
  return (await ec2Pages(ask, ({ Vpcs }) => Vpcs)).map(found);
}

function found({ VpcId = "", CidrBlock = "", Tags, State }: Described): Found<Vpc> {
  const tags = tagsFrom(Tags);
  const state = { vpcId: VpcId, cidr: CidrBlock, tags };
  return { id: idFrom("vpc", tags, VpcId), label: VpcId, state, status: State === "pending" ? "making" : "ready" };
}

function wantedTags(context: ResourceContext, id: string): Tags {
  return { ...tagsOf(context, id), [completeTag]: "true" };
}
