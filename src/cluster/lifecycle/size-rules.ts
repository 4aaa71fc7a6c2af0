import { CortexError, type Problem } from "../../core/errors.ts";
import type { Cluster } from "../../spec/parse-cluster.ts";

/** As many as Amazon EC2 starts for a new cluster without being asked beforehand. */
const mostAtUp = 200;
const mostAdded = 100;

/** Node groups that are there, by name: how many instances they keep at least. */
export type StandingGroups = ReadonlyMap<string, number>;

/**
 * Rules that hang on whether a cluster is made or changed. Pure.
 * @param standing undefined: the cluster is only going to be made
 * @throws SPEC_INVALID with all of them that do not hold
 */
export function checkSize({ node_groups: groups }: Cluster, standing: StandingGroups | undefined): void {
  const empty = groups.filter(({ name, max_instances: max }) => max === 0 && !standing?.has(name));
  const problems: readonly Problem[] = [
    ...empty.map(({ name }) => ({
      message: `node_groups.${name}.max_instances: a group that is made needs at least one instance to grow to`,
      hint: "raise it to 1 or more",
    })),
    ...sumProblems(groups, standing),
  ];
  const [first] = problems;
  if (!first) return;
  const message = problems.length === 1 ? first.message : `${problems.length} problems of the node groups`;
  throw new CortexError("SPEC_INVALID", message, { ...(problems.length === 1 && first), problems });
}

function sumProblems(groups: Cluster["node_groups"], standing: StandingGroups | undefined): readonly Problem[] {
  const added = groups.reduce(
    (sum, { name, min_instances: min }) => sum + Math.max(0, min - (standing?.get(name) ?? 0)),
    0,
  );
  const most = standing ? mostAdded : mostAtUp;
  if (added <= most) return [];
  const message = standing
    ? `${added} instances would be added at once; at most ${most} can be`
    : `a new cluster begins with at most ${most} instances; min_instances sum up to ${added}`;
  return [{ message, hint: `lower min_instances now, and raise it later by up to ${mostAdded} at a time` }];
}
