import type { LaunchTemplate as Described, RequestLaunchTemplateData } from "@aws-sdk/client-ec2";
import { awsErrorName } from "../../aws/refusal.ts";
import { CortexError } from "../../core/errors.ts";
import { type Difference, type Found, type ResourceKind, Uncertain } from "../../core/graph/resource.ts";
import type { Disk } from "../node-groups.ts";
import { clusterTag, type ResourceContext, tagsOf } from "./context.ts";
import { namesOf } from "./names.ts";
import { ec2Pages } from "./pages.ts";
import { type Filter, findOurs, idFrom, type Tags, tagDifferences, tagList, tagsFrom } from "./tags.ts";
import { unless, untilKnown } from "./wait.ts";

export interface LaunchTemplateWish {
  /** `launch-template/cpu`. */
  readonly id: string;
  /** Of the group in cluster.yaml, for the names of fields. */
  readonly group: string;
  readonly disk: Disk;
}

export interface LaunchTemplate {
  readonly templateId: string;
  readonly name: string;
  /** That new instances are started from. */
  readonly version: number;
  /** The first one with the disk of today: instances of older ones have another. */
  readonly diskVersion: number;
  /** Undefined: an interrupted run has not written it down. */
  readonly disk?: Disk;
  readonly tags: Tags;
}

export type LaunchTemplateKind = ResourceKind<LaunchTemplateWish, LaunchTemplate>;

/** Holds what a version is like: EC2 lists templates with their tags, but not with what is in them. */
const contentTag = "cortex.dev/disk";

/** What instances of a node group are like beyond their type; EKS adds the image, its settings and the security group. */
export function launchTemplateKind(context: ResourceContext): LaunchTemplateKind {
  const { aws, identity, clusterName } = context;
  const names = namesOf({ clusterName, accountId: identity.accountId, region: aws.region });

  return {
    name: "launch-template",
    title: "launch template",
    needs: [],
    typicalMs: { create: 1_500, update: 2_000, remove: 1_000 },

    async list(signal) {
      const ec2 = await aws.ec2();
      const ask = (Filters: Filter[]) =>
        ec2Pages(
          (page) => ec2.describeLaunchTemplates({ Filters, ...page }, signal),
          (page) => page.LaunchTemplates,
        );
      return (await findOurs(context, ask)).map(foundOf);
    },

    async create(wish, _, signal) {
      const ec2 = await aws.ec2();
      const name = names.launchTemplate(groupOf(wish.id));
      const tags = {
        ...tagsOf(context, wish.id),
        [contentTag]: contentText({ version: 1, diskVersion: 1 }, wish.disk),
      };
      try {
        const { LaunchTemplate: made } = await ec2.createLaunchTemplate(
          {
            LaunchTemplateName: name,
            LaunchTemplateData: dataOf(context, wish),
            TagSpecifications: [{ ResourceType: "launch-template", Tags: tagList(tags) }],
          },
          signal,
        );
        return { templateId: made?.LaunchTemplateId ?? "", name, version: 1, diskVersion: 1, disk: wish.disk, tags };
      } catch (error) {
        const isTaken = awsErrorName(error) === "InvalidLaunchTemplateName.AlreadyExistsException";
        if (error instanceof Uncertain || !isTaken) throw error;
        throw new CortexError("CONFLICT", `there is a launch template ${name} that is not of this cluster`, {
          hint: "remove it, or choose another cluster_name",
          cause: error,
        });
      }
    },

    differences: (wish, { disk, tags }) => [
      ...diskDifferences(wish, disk),
      ...tagDifferences(tagsOf(context, wish.id), tags),
    ],

    async update(wish, state, doing, signal) {
      const ec2 = await aws.ec2();
      const { templateId: LaunchTemplateId } = state;
      const made = await untilKnown(
        doing,
        () => ec2.createLaunchTemplateVersion({ LaunchTemplateId, LaunchTemplateData: dataOf(context, wish) }, signal),
        signal,
      );
      const version = made.LaunchTemplateVersion?.VersionNumber ?? state.version + 1;
      const diskVersion = diskDifferences(wish, state.disk).length > 0 ? version : state.diskVersion;
      const content = contentText({ version, diskVersion }, wish.disk);
      const tags = { ...state.tags, ...tagsOf(context, wish.id), [contentTag]: content };
      await ec2.createTags({ Resources: [LaunchTemplateId], Tags: tagList(ownTags(tags)) }, signal);
      return { ...state, version, diskVersion, disk: wish.disk, tags };
    },

    settle: async ({ state }) => state,

    async remove({ templateId: LaunchTemplateId }, _, signal) {
      const ec2 = await aws.ec2();
      const gone = ["InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateName.NotFoundException"];
      await unless(gone, () => ec2.deleteLaunchTemplate({ LaunchTemplateId }, signal));
    },
  };
}

/** @returns what of a disk differs, as the user wrote it */
export function diskDifferences(
  { group, disk }: Pick<LaunchTemplateWish, "group" | "disk">,
  now: Disk | undefined,
): readonly Difference[] {
  const fields = { size: disk.sizeGB, type: disk.type, iops: disk.iops, throughput: disk.throughput };
  const before = { size: now?.sizeGB, type: now?.type, iops: now?.iops, throughput: now?.throughput };
  return Object.entries(fields).flatMap(([name, to]) => {
    const from = before[name as keyof typeof before];
    if (from === to) return [];
    return [{ field: `node_groups.${group}.instance_volume_${name}`, from: String(from ?? ""), to: String(to ?? "") }];
  });
}

function dataOf({ clusterName, tags }: ResourceContext, { id, disk }: LaunchTemplateWish): RequestLaunchTemplateData {
  const instanceTags = tagList({
    ...tags,
    Name: `${clusterName}/node-group/${groupOf(id)}`,
    [clusterTag]: clusterName,
  });
  return {
    BlockDeviceMappings: [
      {
        // The only disk of Amazon Linux.
        DeviceName: "/dev/xvda",
        Ebs: {
          VolumeSize: disk.sizeGB,
          VolumeType: disk.type,
          ...(disk.iops !== undefined && { Iops: disk.iops }),
          ...(disk.throughput !== undefined && { Throughput: disk.throughput }),
          Encrypted: true,
          DeleteOnTermination: true,
        },
      },
    ],
    // Two hops: pods take the rights of their instance, as `iam_policy_arns` promises.
    MetadataOptions: { HttpTokens: "required", HttpEndpoint: "enabled", HttpPutResponseHopLimit: 2 },
    TagSpecifications: (["instance", "volume", "network-interface"] as const).map((ResourceType) => ({
      ResourceType,
      Tags: instanceTags,
    })),
  };
}

function foundOf(template: Described): Found<LaunchTemplate> {
  const { LaunchTemplateId: templateId = "", LaunchTemplateName: name = "", CreateTime } = template;
  const tags = tagsFrom(template.Tags);
  const content = parseContent(tags[contentTag] ?? "");
  const latest = Number(template.LatestVersionNumber ?? 1);
  return {
    id: idFrom("launch-template", tags, templateId),
    label: templateId,
    state: {
      templateId,
      name,
      version: content?.version ?? latest,
      diskVersion: content?.diskVersion ?? latest,
      ...(content && { disk: content.disk }),
      tags,
    },
    status: "ready",
    ...(CreateTime && { createdAt: CreateTime.getTime() }),
  };
}

interface Versions {
  readonly version: number;
  readonly diskVersion: number;
}

/** In characters that every service takes in a tag. */
export function contentText({ version, diskVersion }: Versions, disk: Disk): string {
  const { sizeGB, type, iops, throughput } = disk;
  const all = { version, since: diskVersion, size: sizeGB, type, iops, throughput };
  return Object.entries(all)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

export function parseContent(text: string): (Versions & { readonly disk: Disk }) | undefined {
  const values = new Map(text.split(" ").map((part) => part.split("=", 2) as [string, string]));
  const number = (name: string) => Number(values.get(name));
  const type = values.get("type") as Disk["type"] | undefined;
  if (type === undefined || !number("version") || !number("since") || !number("size")) return undefined;
  const disk = {
    sizeGB: number("size"),
    type,
    ...(values.has("iops") && { iops: number("iops") }),
    ...(values.has("throughput") && { throughput: number("throughput") }),
  };
  return { version: number("version"), diskVersion: number("since"), disk };
}

/** AWS's own tags cannot be written. */
function ownTags(tags: Tags): Tags {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => !key.startsWith("aws:")));
}

function groupOf(id: string): string {
  return id.slice("launch-template/".length);
}
