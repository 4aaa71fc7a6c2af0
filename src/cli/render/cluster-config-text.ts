import type { ClusterConfig } from "../../core/cloud-cluster.ts";

/** @returns a cluster.yaml, with nothing in it that goes without saying */
export async function clusterConfigText({ values }: ClusterConfig): Promise<string> {
  const { stringify } = await import("yaml");
  return stringify(said(values), { aliasDuplicateObjects: false, lineWidth: 0 });
}

/** @returns as `cluster.yaml` has it, for programs */
export function clusterConfigJson({ values }: ClusterConfig): unknown {
  return withoutNulls(values);
}

/** Text that only looks like a variable stays text. */
function said(value: unknown): unknown {
  return withoutNulls(value, (text) => text.replaceAll("${", () => "$${"));
}

function withoutNulls(value: unknown, ofText: (text: string) => string = (text) => text): unknown {
  if (typeof value === "string") return ofText(value);
  if (Array.isArray(value)) return value.map((one) => withoutNulls(one, ofText));
  if (typeof value !== "object" || value === null) return value;
  const there = Object.entries(value).filter(([, one]) => one !== null);
  return Object.fromEntries(there.map(([key, one]) => [key, withoutNulls(one, ofText)]));
}
