import type { ResourceContext } from "./context.ts";
import type { Around } from "./kubernetes-tags.ts";
import { namesOf } from "./names.ts";
import { allItems } from "./pages.ts";
import { type RemovableKind, removableKind } from "./removable.ts";
import { unless } from "./wait.ts";

export interface KubernetesLogGroup {
  readonly name: string;
}

/** What the add-on for logs makes by itself. */
export function kubernetesLogGroupKind(context: ResourceContext, around: Around): RemovableKind<KubernetesLogGroup> {
  const { aws, clusterName, identity } = context;
  const named = { clusterName, accountId: identity.accountId, region: aws.region };
  const { insightsPrefix: logGroupNamePrefix } = namesOf(named);
  return removableKind({
    name: "kubernetes-log-group",
    title: "log group",
    needs: [],
    removeMs: 1_000,
    async list(signal) {
      if (!(await around(signal)).areTagsOurs) return [];
      const logs = await aws.logs();
      const all = await allItems(
        (nextToken) => logs.describeLogGroups({ logGroupNamePrefix, nextToken }, signal),
        ({ logGroups }) => logGroups,
        ({ nextToken }) => nextToken,
      );
      return all.map(({ logGroupName: name = "" }) => {
        return { id: `kubernetes-log-group/${name}`, label: name, state: { name }, status: "ready" };
      });
    },
    async remove({ name }, _waiting, signal) {
      const logs = await aws.logs();
      await unless(["ResourceNotFoundException"], () => logs.deleteLogGroup({ logGroupName: name }, signal));
    },
  });
}
