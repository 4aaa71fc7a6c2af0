import type { Vpc as Described } from "@aws-sdk/client-ec2";
import { awsErrorName } from "../../aws/refusal.ts";
import type { Ec2 } from "../../aws/services/ec2.ts";
import type { Found, ResourceKind } from "../../core/graph/resource.ts";
import { completeTag, type ResourceContext, tagsOf } from "./context.ts";
import { releaseVpc } from "./network-holders.ts";
import { ec2Pages } from "./pages.ts";
import { type Filter, findOurs, idFrom, type Tags, tagDifferences, tagList, tagsFrom } from "./tags.ts";
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
  /** What is in it has names in DNS. */
  readonly hasNames: boolean;
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
    return { ...state, hasNames: true, tags: await writeTags(aws, marked, wantedTags(context, id), waiting, signal) };
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
      return complete(id, { vpcId: made?.VpcId ?? "", cidr, hasNames: false, tags }, doing, signal);
    },
    differences({ id, cidr }, state) {
      const hint = "the network of a cluster stays as it is: write what it has, or make another cluster";
      const fixed = cidr === state.cidr ? [] : [{ field: "vpc_cidr", from: state.cidr, to: cidr, isFixed: { hint } }];
      const names = state.hasNames ? [] : [{ field: "names in DNS", from: "no", to: "yes" }];
      // Of one that is half made its tags tell.
      const setup = completeTag in state.tags ? names : [];
      return [...fixed, ...setup, ...tagDifferences(wantedTags(context, id), state.tags)];
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
  const ask = (Filters: Filter[]) =>
    ec2Pages(
      (page) => ec2.describeVpcs({ Filters, ...page }, signal),
      ({ Vpcs }) => Vpcs,
    );
  const all = await findOurs(context, ask);
  return Promise.all(all.map(async (one) => found(one, await hasNames(ec2, one.VpcId ?? "", signal))));
}

async function hasNames(ec2: Ec2, VpcId: string, signal: AbortSignal): Promise<boolean> {
  try {
    const told = await ec2.describeVpcAttribute({ VpcId, Attribute: "enableDnsHostnames" }, signal);
    return told.EnableDnsHostnames?.Value ?? false;
  } catch (error) {
    // It went, or was made a moment ago.
    if (awsErrorName(error) === "InvalidVpcID.NotFound") return false;
    throw error;
  }
}

function found({ VpcId = "", CidrBlock = "", Tags, State }: Described, named: boolean): Found<Vpc> {
  const tags = tagsFrom(Tags);
  const state = { vpcId: VpcId, cidr: CidrBlock, hasNames: named, tags };
  return { id: idFrom("vpc", tags, VpcId), label: VpcId, state, status: State === "pending" ? "making" : "ready" };
}

function wantedTags(context: ResourceContext, id: string): Tags {
  return { ...tagsOf(context, id), [completeTag]: "true" };
}
