import type { Subnet as Described } from "@aws-sdk/client-ec2";
import { awsErrorName } from "../../aws/refusal.ts";
import { CortexError } from "../../core/errors.ts";
import type { Found, ResourceKind } from "../../core/graph/resource.ts";
import { type ResourceContext, tagsOf } from "./context.ts";
import { subnetReleaser } from "./network-holders.ts";
import { ec2Pages } from "./pages.ts";
import { type Filter, findOurs, idFrom, type Tags, tagDifferences, tagList, tagsFrom } from "./tags.ts";
import type { VpcKind } from "./vpc.ts";
import { removeWhenFree, untilKnown, type Waiting } from "./wait.ts";
import { writeTags } from "./write-tags.ts";

export interface SubnetWish {
  readonly id: string;
  /** Id of the VPC's own wish. */
  readonly vpc: string;
  /** Name of its zone. */
  readonly zone: string;
  readonly cidr: string;
  /** What starts in it gets a public address. */
  readonly isPublic: boolean;
  /** Kinds of load balancers that Kubernetes may put there. */
  readonly loadBalancers: readonly ("internet-facing" | "internal")[];
}

export interface Subnet {
  readonly subnetId: string;
  readonly vpcId: string;
  readonly zone: string;
  readonly cidr: string;
  readonly isPublic: boolean;
  readonly tags: Tags;
}

export type SubnetKind = ResourceKind<SubnetWish, Subnet>;

export function subnetKind(context: ResourceContext, vpcs: VpcKind): SubnetKind {
  const { aws } = context;

  async function bringAbout(wish: SubnetWish, state: Subnet, waiting: Waiting, signal: AbortSignal): Promise<Subnet> {
    const ec2 = await aws.ec2();
    const { subnetId } = state;
    if (state.isPublic !== wish.isPublic) {
      const addresses = { SubnetId: subnetId, MapPublicIpOnLaunch: { Value: wish.isPublic } };
      await untilKnown(waiting, () => ec2.modifySubnetAttribute(addresses, signal), signal);
    }
    const marked = { resource: subnetId, found: state.tags };
    const tags = await writeTags(aws, marked, wantedTags(context, wish), waiting, signal);
    return { ...state, isPublic: wish.isPublic, tags };
  }

  return {
    name: "subnet",
    title: "subnet",
    needs: ["vpc"],
    typicalMs: { create: 2_000, update: 1_000, remove: 2_000 },
    async list(signal) {
      const ec2 = await aws.ec2();
      const ask = (Filters: Filter[]) =>
        ec2Pages(
          (page) => ec2.describeSubnets({ Filters, ...page }, signal),
          (page) => page.Subnets,
        );
      return (await findOurs(context, ask)).map(found);
    },
    async create(wish, doing, signal) {
      const ec2 = await aws.ec2();
      const { vpcId } = doing.states.of(vpcs, wish.vpc);
      const tags = wantedTags(context, wish);
      const subnet = {
        VpcId: vpcId,
        AvailabilityZone: wish.zone,
        CidrBlock: wish.cidr,
        TagSpecifications: [{ ResourceType: "subnet" as const, Tags: tagList(tags) }],
      };
      const create = () => untilKnown(doing, () => ec2.createSubnet(subnet, signal), signal);
      const { Subnet: made } = await create().catch((error: unknown) => {
        throw awsErrorName(error) === "InvalidSubnet.Conflict" ? taken(wish, vpcId, error) : error;
      });
      const state = { subnetId: made?.SubnetId ?? "", vpcId, zone: wish.zone, cidr: wish.cidr, isPublic: false, tags };
      return bringAbout(wish, state, doing, signal);
    },
    differences(wish, state) {
      const addresses = { field: "public addresses", from: yesNo(state.isPublic), to: yesNo(wish.isPublic) };
      const tags = tagDifferences(wantedTags(context, wish), state.tags);
      return state.isPublic === wish.isPublic ? tags : [addresses, ...tags];
    },
    update: bringAbout,
    async settle({ state }) {
      return state;
    },
    async remove({ subnetId }, waiting, signal) {
      const ec2 = await aws.ec2();
      const removal = {
        what: `subnet ${subnetId}`,
        gone: ["InvalidSubnetID.NotFound"],
        busy: ["DependencyViolation"],
        remove: () => ec2.deleteSubnet({ SubnetId: subnetId }, signal),
        release: subnetReleaser(aws, subnetId, signal),
      };
      await removeWhenFree(removal, waiting, signal);
    },
  };
}

function found(subnet: Described): Found<Subnet> {
  const { SubnetId = "", VpcId = "", AvailabilityZone = "", CidrBlock = "", MapPublicIpOnLaunch = false } = subnet;
  const tags = tagsFrom(subnet.Tags);
  return {
    id: idFrom("subnet", tags, SubnetId),
    label: SubnetId,
    state: {
      subnetId: SubnetId,
      vpcId: VpcId,
      zone: AvailabilityZone,
      cidr: CidrBlock,
      isPublic: MapPublicIpOnLaunch,
      tags,
    },
    status: subnet.State === "pending" ? "making" : "ready",
    uses: [VpcId],
  };
}

/** It may be this very subnet, made by an earlier try whose answer was lost: the code has it looked for. */
function taken({ cidr }: SubnetWish, vpcId: string, cause: unknown): CortexError {
  return new CortexError("CONFLICT", `another subnet of ${vpcId} has the addresses ${cidr}`, {
    hint: "remove that subnet, then run the same command again",
    cause,
  });
}

/** Kubernetes puts load balancers into subnets that say which kind they are for. */
function wantedTags(context: ResourceContext, { id, loadBalancers }: SubnetWish): Tags {
  return {
    ...(loadBalancers.includes("internet-facing") && { "kubernetes.io/role/elb": "1" }),
    ...(loadBalancers.includes("internal") && { "kubernetes.io/role/internal-elb": "1" }),
    [`kubernetes.io/cluster/${context.clusterName}`]: "shared",
    ...tagsOf(context, id),
  };
}

function yesNo(value: boolean): string {
  return value ? "yes" : "no";
}
