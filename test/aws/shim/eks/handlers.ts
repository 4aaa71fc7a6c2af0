import { json } from "../reply.ts";
import type { Handlers, Handling, RegionState } from "../world.ts";
import { accessHandlers } from "./access.ts";
import { addonHandlers } from "./addons.ts";
import { controlPlaneHandlers } from "./control-planes.ts";
import { nodeGroupHandlers } from "./node-groups.ts";
import { podIdentityHandlers } from "./pod-identities.ts";
import { answer, notFound } from "./state.ts";
import { updateHandlers } from "./updates.ts";
import { versionHandlers } from "./versions.ts";

export const eksHandlers: Handlers = {
  ...controlPlaneHandlers,
  ...nodeGroupHandlers,
  ...addonHandlers,
  ...podIdentityHandlers,
  ...accessHandlers,
  ...updateHandlers,
  ...versionHandlers,
  ListTagsForResource: (handling) => answer({ tags: tagged(handling).tags ?? {} }),
  TagResource: (handling) => {
    const found = tagged(handling);
    found.tags = { ...found.tags, ...(handling.request.json.tags as Record<string, string>) };
    return json({});
  },
  UntagResource: (handling) => {
    const found = tagged(handling);
    const keys = handling.request.query.getAll("tagKeys");
    found.tags = Object.fromEntries(Object.entries(found.tags ?? {}).filter(([key]) => !keys.includes(key)));
    return json({});
  },
};

interface Tagged {
  tags?: Record<string, string> | undefined;
}

function tagged({ region, request }: Handling): Tagged {
  const arn = String(request.json.resourceArn);
  const found = allTagged(region).find(([one]) => one === arn);
  if (found === undefined) throw notFound(`Resource not found: ${arn}`);
  return found[1];
}

/** @returns everything of EKS in a region by its ARN */
export function allTagged({ clusters }: RegionState): (readonly [arn: string, thing: Tagged])[] {
  return [...clusters.values()].flatMap((record) => [
    [record.cluster.arn!, record.cluster] as const,
    ...[...record.nodeGroups.values()].map(({ group }) => [group.nodegroupArn!, group] as const),
    ...[...record.addons.values()].map(({ addon }) => [addon.addonArn!, addon] as const),
    ...[...record.associations.values()].map((one) => [one.associationArn!, one] as const),
    ...[...record.accessEntries.values()].map(({ entry }) => [entry.accessEntryArn!, entry] as const),
  ]);
}
