import type { Difference } from "../../core/graph/resource.ts";
import { clusterTag, completeTag, type ResourceContext, resourceTag } from "./context.ts";

export type Tags = Readonly<Record<string, string>>;

/** As most services write a tag. */
interface Tag {
  readonly Key?: string | undefined;
  readonly Value?: string | undefined;
}

export function tagsFrom(tags: readonly Tag[] | undefined): Tags {
  return Object.fromEntries((tags ?? []).map(({ Key = "", Value = "" }) => [Key, Value]));
}

export function tagList(tags: Tags): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

/** Of EC2. */
export interface Filter {
  readonly Name: string;
  readonly Values: string[];
}

/** What EC2 tells of any resource that has tags; one that lies in no VPC has neither of the last two. */
interface Item {
  readonly Tags?: readonly Tag[] | undefined;
  readonly VpcId?: string | undefined;
  readonly Attachments?: readonly { readonly VpcId?: string | undefined }[] | undefined;
}

/**
 * Asks EC2 for what Cortex made for this cluster, by its tags; node instances and their disks bear the first one only. What has lost
 * those tags is asked for by its name.
 */
export async function findOurs<One extends Item>(
  { clusterName, lost }: ResourceContext,
  ask: (filters: Filter[]) => Promise<readonly One[]>,
): Promise<readonly One[]> {
  const byTags = [
    { Name: `tag:${clusterTag}`, Values: [clusterName] },
    { Name: "tag-key", Values: [resourceTag] },
  ];
  if (!lost) return ask(byTags);
  const [ours, named] = await Promise.all([ask(byTags), ask([{ Name: "tag:Name", Values: [...lost.names] }])]);
  const isLost = (one: One) => {
    const tags = tagsFrom(one.Tags);
    const owner = tags[clusterTag];
    return (owner ?? clusterName) === clusterName && tags[resourceTag] === undefined && isWithin(one, lost.vpcIds);
  };
  return [...ours, ...named.filter(isLost)];
}

function isWithin({ VpcId, Attachments }: Item, vpcIds: ReadonlySet<string>): boolean {
  if (VpcId === undefined && Attachments === undefined) return true;
  return [VpcId, ...(Attachments ?? []).map((one) => one.VpcId)].some((id) => id !== undefined && vpcIds.has(id));
}

/** @returns the id that a resource bears, if it is one of this kind; else one that nothing else has */
export function idFrom(kind: string, tags: Tags, label: string): string {
  const id = tags[resourceTag] ?? idOfName(tags.Name ?? "");
  return id === kind || id.startsWith(`${kind}/`) ? id : `${kind}/${label}`;
}

/** @returns the id in `models/subnet/public-us-east-1a`, as Cortex names what it makes */
export function idOfName(name: string): string {
  return name.slice(name.indexOf("/") + 1);
}

/** @returns what tags must be written. Others that are there are none of our business. */
export function tagDifferences(wanted: Tags, found: Tags): Difference[] {
  return Object.entries(wanted)
    .filter(([key, value]) => found[key] !== value)
    .map(([key, value]) =>
      key === completeTag
        ? { field: "setup", from: "begun", to: "complete" }
        : { field: `tags.${key}`, from: found[key] ?? "none", to: value },
    );
}
