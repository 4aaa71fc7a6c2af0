import type { Aws } from "../../aws/aws.ts";
import { type Tags, tagDifferences, tagList } from "./tags.ts";
import { untilKnown, type Waiting } from "./wait.ts";

/**
 * Writes what a resource of EC2 lacks of its tags.
 * @returns all that it has then
 */
export async function writeTags(
  aws: Aws,
  { resource, found }: { readonly resource: string; readonly found: Tags },
  wanted: Tags,
  waiting: Waiting,
  signal: AbortSignal,
): Promise<Tags> {
  if (tagDifferences(wanted, found).length > 0) {
    const ec2 = await aws.ec2();
    const tags = { Resources: [resource], Tags: tagList(wanted) };
    await untilKnown(waiting, () => ec2.createTags(tags, signal), signal);
  }
  return { ...found, ...wanted };
}
