import type { Location, Problem } from "../core/errors.ts";
import { type ClusterValues, clusterFields } from "./definitions/cluster-fields.ts";
import { createReport } from "./report.ts";
import { checkCluster } from "./rules/cluster.ts";
import { placesOf } from "./rules/context.ts";
import { object } from "./shape/collections.ts";
import { type Loose, mismatch } from "./shape/shape.ts";
import { dropUnusedKeys, explainOldClusterKey, moveGroupKeys } from "./spellings/cluster-keys.ts";
import { decode } from "./yaml/decode.ts";
import { readTree } from "./yaml/tree.ts";
import type { Variables } from "./yaml/variables.ts";

/** A cluster as cluster.yaml describes it. Null: not said, what follows from the rest is taken. */
export type Cluster = ClusterValues;

export interface ParsedCluster {
  readonly cluster: Cluster;
  /** Keys of older releases that say nothing any more. */
  readonly warnings: readonly Problem[];
  /**
   * @param field as messages name it, with node groups by their names: `node_groups.cpu.instance_type`
   * @returns where it is written; undefined for what is not
   */
  placeOf(field: string): Location | undefined;
}

const clusterShape = object(clusterFields, "cluster");

/**
 * Reads a cluster.yaml. What only AWS knows (which zones offer an instance type, quotas) is not looked up here.
 * @throws SPEC_INVALID with all problems of the file, each with its place
 */
export async function parseCluster(input: {
  readonly file: string;
  readonly text: Uint8Array | string;
  readonly variables: Variables;
}): Promise<ParsedCluster> {
  const source = decode(input.file, input.text);
  const report = createReport(source);
  const nameOf = (): string => "";
  const tree = await readTree(source, input.variables, report);
  report.throwProblems(nameOf);
  if (tree?.kind !== "map") {
    const place = tree ?? { kind: "scalar", item: undefined, path: "", offset: 0, text: "", value: null };
    mismatch(place, "a cluster: a map of keys", { report, kind: undefined }, "for example region: us-east-1");
    report.throwProblems(nameOf);
    throw new Error("a cluster that is no map was not reported");
  }
  const cluster = moveGroupKeys(dropUnusedKeys(tree, report), report);
  const reading = { report, kind: undefined, explainUnknown: ({ key }: { key: string }) => explainOldClusterKey(key) };
  const values = (clusterShape.read(cluster, reading) ?? {}) as Loose<ClusterValues>;
  checkCluster({ values, report, at: placesOf(cluster) });
  report.throwProblems(nameOf);
  const written = values as ClusterValues;
  return {
    cluster: written,
    warnings: report.warnings(nameOf),
    placeOf(field) {
      const path = pathOf(field, written);
      if (!cluster.entries.has(path.split(/[.[]/)[0]!)) return undefined;
      return source.locate(placesOf(cluster)(path).offset);
    },
  };
}

/** @returns `field` with the index of a node group in place of its name */
function pathOf(field: string, { node_groups: groups }: ClusterValues): string {
  const [list, name, ...rest] = field.split(".");
  const index = groups.findIndex((group) => group.name === name);
  if (list !== "node_groups" || index === -1) return field;
  return [`node_groups[${index}]`, ...rest].join(".");
}
