import { clusterTag, type ResourceContext, tagsOf } from "../resources/context.ts";

/** Of AWS, of EKS and of Kubernetes. */
const foreign = /^(?:aws|eks):|^cortex\.dev\/|^(?:.+\.)?(?:kubernetes|k8s)\.io\//;

/** @returns whether a tag is put there by AWS, Kubernetes or Cortex itself */
export function isForeignTag(key: string): boolean {
  return foreign.test(key);
}

/**
 * Pure. Tags of the control plane that the file does not have are the file's of before, or somebody else's: none is taken away.
 * @param found undefined: there is none
 */
export function keptTagWarnings(
  context: ResourceContext,
  found: Readonly<Record<string, string>> | undefined,
): string[] {
  const wanted = tagsOf(context, clusterTag);
  const kept = Object.keys(found ?? {}).filter((key) => !(key in wanted) && !isForeignTag(key));
  if (kept.length === 0) return [];
  return [`tags that are not in the file stay on what has them: ${kept.sort().join(", ")}`];
}
