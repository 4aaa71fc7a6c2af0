import type { Report } from "../report.ts";
import { type Entry, emptyMap, type ListNode, type MapNode, type Node } from "../yaml/node.ts";
import { withoutEntry } from "./edit.ts";

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
  ["prometheus_instance_type", "Prometheus runs on the nodes that are there"],
  ["telemetry", "Cortex sends nothing to anybody"],
]);

/** In a file that others read, these are a matter of their own, whether they are used or not. */
const secrets = new Set([
  "aws_access_key_id",
  "aws_secret_access_key",
  "cortex_aws_access_key_id",
  "cortex_aws_secret_access_key",
]);

const noteOf = (key: string): string | undefined =>
  key.startsWith("image_") ? "Cortex has no images of its own any more" : unused.get(key);

/** @returns `cluster` without keys that say nothing any more; one warning names them all, secrets first, and no value of theirs */
export function dropUnusedKeys(cluster: MapNode, report: Report): MapNode {
  const unusedOnes = [...cluster.entries.values()].filter(({ key }) => noteOf(key) !== undefined);
  const dropped = unusedOnes.toSorted((a, b) => Number(secrets.has(b.key)) - Number(secrets.has(a.key)));
  const [first, ...others] = dropped;
  if (!first) return cluster;
  const cause = others.length === 0 ? "is not used any more" : `is not used any more, nor ${namesText(others)}`;
  const notes = [...new Set(dropped.map(({ key }) => noteOf(key)))].join("; ");
  report.warning(first, "unused", cause, `remove ${others.length === 0 ? "it" : "them"}: ${notes}`);
  const names = new Set(dropped.map(({ key }) => key));
  return { ...cluster, entries: new Map([...cluster.entries].filter(([key]) => !names.has(key))) };
}

function namesText(entries: readonly Entry[]): string {
  const names = entries.map(({ key }) => key);
  return [names.slice(0, -1).join(", "), names.at(-1)].filter(Boolean).join(" and ");
}

/** @returns `cluster` with what a cluster up to Cortex 0.31 said of its instances in a node group of its own, with one warning */
export function moveGroupKeys(cluster: MapNode, report: Report): MapNode {
  const old = [...cluster.entries.values()].filter(({ key }) => groupKeys.has(key));
  const [first] = old;
  if (!first || cluster.entries.has("node_groups")) return cluster;
  const keys = old.map(({ key }) => `${key}: ...`).join(", ");
  report.warning(
    first,
    "instances",
    "stands in a node group since Cortex 0.32",
    `write node_groups: [{name: default, ${keys}}]`,
  );
  const place = { item: first.item, offset: first.offset };
  const name: Entry = {
    ...place,
    key: "name",
    path: first.path,
    value: { ...place, kind: "scalar", path: first.path, text: "default", value: "default" },
  };
  const group = withoutBackup(
    { ...emptyMap(first), entries: new Map([["name", name], ...old.map((entry) => [entry.key, entry] as const)]) },
    report,
  );
  const groups: ListNode = { ...place, kind: "list", path: "node_groups", items: [group] };
  const entries = new Map([...cluster.entries].filter(([key]) => !groupKeys.has(key)));
  return { ...cluster, entries: entries.set("node_groups", { ...place, key: "node_groups", path: "", value: groups }) };
}

function withoutBackup(group: MapNode, report: Report): MapNode {
  const config: Node | undefined = group.entries.get("spot_config")?.value;
  const backup = config?.kind === "map" ? config.entries.get("on_demand_backup") : undefined;
  if (!backup) return group;
  report.warning(backup, "backup", "is not used any more", backupHint);
  return withoutEntry(group, "spot_config.on_demand_backup");
}

const backupHint = "add a second node group without spot, and give it a lower priority";

/** @returns what became of a key of an older cluster.yaml, as a hint */
export function explainOldClusterKey(key: string): string | undefined {
  if (groupKeys.has(key)) return `it moved into the groups: node_groups: [{name: default, ${key}: ...}]`;
  if (key === "on_demand_backup") return backupHint;
  return undefined;
}
