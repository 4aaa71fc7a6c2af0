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

/** What EC2 is asked to find what Cortex made for this cluster: node instances and their disks bear the first tag only. */
export function oursFilter({ clusterName }: ResourceContext): { Name: string; Values: string[] }[] {
  return [
    { Name: `tag:${clusterTag}`, Values: [clusterName] },
    { Name: "tag-key", Values: [resourceTag] },
  ];
}

/** @returns the id that a resource bears, if it is one of this kind; else one that nothing else has */
export function idFrom(kind: string, tags: Tags, label: string): string {
  const id = tags[resourceTag] ?? "";
  return id === kind || id.startsWith(`${kind}/`) ? id : `${kind}/${label}`;
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
