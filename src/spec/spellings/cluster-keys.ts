import type { Report } from "../report.ts";
import type { MapNode } from "../yaml/node.ts";

/** Keys that node groups hold since Cortex 0.32, and clusters held before. */
const groupKeys = new Set([
  "instance_type",
  "min_instances",
  "max_instances",
  "instance_volume_size",
  "instance_volume_type",
  "instance_volume_iops",
  "spot",
  "spot_config",
]);

const unused = new Map([
  ["provider", "AWS is the only one"],
  ["bucket", "its name follows from the cluster's"],
  ["log_group", "it is named as the cluster is"],
  ["api_gateway", "no API gateway is made any more"],
  ["aws_access_key_id", "use the AWS environment variables or profiles; remove the key from the file"],
  ["aws_secret_access_key", "use the AWS environment variables or profiles; remove the key from the file"],
  ["cortex_aws_access_key_id", "nothing of Cortex runs in the cluster"],
  ["cortex_aws_secret_access_key", "nothing of Cortex runs in the cluster"],
]);

/** @returns `cluster` without keys that say nothing any more, each with a warning */
export function dropUnusedKeys(cluster: MapNode, report: Report): MapNode {
  const entries = new Map(cluster.entries);
  for (const entry of cluster.entries.values()) {
    const note = entry.key.startsWith("image_") ? "Cortex has no images of its own any more" : unused.get(entry.key);
    if (note === undefined) continue;
    const subject = entry.key.startsWith("image_") ? "image_*" : entry.key;
    report.warning(entry, subject, "is not used any more", `remove it: ${note}`);
    entries.delete(entry.key);
  }
  return { ...cluster, entries };
}

/** @returns what became of a key of an older cluster.yaml, as a hint */
export function explainOldClusterKey(key: string): string | undefined {
  if (groupKeys.has(key)) return `it moved into the groups: node_groups: [{name: default, ${key}: ...}]`;
  if (key === "on_demand_backup") return "add a second node group without spot, and give it a lower priority";
  return undefined;
}
