import { awsErrorName } from "../../aws/refusal.ts";
import type { Logs } from "../../aws/services/logs.ts";
import type { Found, ResourceKind } from "../../core/graph/resource.ts";
import { clusterTag, completeTag, type ResourceContext, tagsOf } from "./context.ts";
import { namesOf } from "./names.ts";
import { type Tags, tagDifferences } from "./tags.ts";
import { unless, untilKnown, type Waiting } from "./wait.ts";

export interface LogGroupWish {
  readonly id: string;
  readonly name: string;
}

export interface LogGroup {
  readonly name: string;
  /** Undefined: for ever. */
  readonly keptDays: number | undefined;
  readonly tags: Tags;
}

export type LogGroupKind = ResourceKind<LogGroupWish, LogGroup>;

/** Logs cost for as long as they are kept. */
export const retentionDays = 30;

/** Ids of the log groups of a cluster. */
export const logGroupIds = { containers: "log-group/containers", controlPlane: "log-group/control-plane" } as const;

export function logGroupKind(context: ResourceContext): LogGroupKind {
  const { aws, identity, clusterName } = context;
  const { logGroups } = namesOf({ clusterName, accountId: identity.accountId, region: aws.region });
  const names = { [logGroupIds.containers]: logGroups.containers, [logGroupIds.controlPlane]: logGroups.controlPlane };
  const arnOf = (name: string) =>
    `arn:${identity.partition}:logs:${aws.region}:${identity.accountId}:log-group:${name}`;

  /** EKS makes its own group when it has something to write: whichever came first, it ends up as it should be. */
  async function complete(wish: LogGroupWish, state: LogGroup, waiting: Waiting, signal: AbortSignal) {
    const logs = await aws.logs();
    const { name } = wish;
    const retention = { logGroupName: name, retentionInDays: retentionDays };
    await untilKnown(waiting, () => logs.putRetentionPolicy(retention, signal), signal);
    const tags = { ...tagsOf(context, wish.id), [completeTag]: "true" };
    await untilKnown(waiting, () => logs.tagResource({ resourceArn: arnOf(name), tags }, signal), signal);
    return { name, keptDays: retentionDays, tags: { ...state.tags, ...tags } };
  }

  return {
    name: "log-group",
    title: "log group",
    needs: [],
    typicalMs: { create: 2_000, update: 1_000, remove: 1_000 },
    async list(signal) {
      const logs = await aws.logs();
      const look = async ([id, name]: readonly [string, string]): Promise<Found<LogGroup>[]> => {
        const [tags, keptDays] = await Promise.all([
          readTags(logs, arnOf(name), signal),
          readRetention(logs, name, signal),
        ]);
        const isOurs = tags?.[clusterTag] === clusterName;
        return tags && isOurs ? [{ id, label: name, state: { name, keptDays, tags }, status: "ready" }] : [];
      };
      return (await Promise.all(Object.entries(names).map(look))).flat();
    },
    async create(wish, doing, signal) {
      const logs = await aws.logs();
      const tags = tagsOf(context, wish.id);
      const create = () => logs.createLogGroup({ logGroupName: wish.name, tags }, signal);
      await unless(["ResourceAlreadyExistsException"], create);
      return complete(wish, { name: wish.name, keptDays: undefined, tags }, doing, signal);
    },
    differences({ id }, state) {
      const tags = tagDifferences({ ...tagsOf(context, id), [completeTag]: "true" }, state.tags);
      // Of one that is half made its tags tell.
      if (state.keptDays === retentionDays || !(completeTag in state.tags)) return tags;
      const from = state.keptDays === undefined ? "for ever" : `${state.keptDays} days`;
      return [{ field: "kept", from, to: `${retentionDays} days` }, ...tags];
    },
    update: complete,
    async settle({ state }) {
      return state;
    },
    async remove({ name }, _waiting, signal) {
      const logs = await aws.logs();
      await unless(["ResourceNotFoundException"], () => logs.deleteLogGroup({ logGroupName: name }, signal));
    },
  };
}

/** @returns in days; undefined: for ever, or there is no such group */
async function readRetention(logs: Logs, name: string, signal: AbortSignal): Promise<number | undefined> {
  // The name itself is the first of those that begin with it.
  const { logGroups = [] } = await logs.describeLogGroups({ logGroupNamePrefix: name }, signal);
  return logGroups.find(({ logGroupName }) => logGroupName === name)?.retentionInDays;
}

/** @returns undefined when there is no such group */
async function readTags(logs: Logs, resourceArn: string, signal: AbortSignal): Promise<Tags | undefined> {
  try {
    return (await logs.listTagsForResource({ resourceArn }, signal)).tags ?? {};
  } catch (error) {
    if (awsErrorName(error) === "ResourceNotFoundException") return undefined;
    throw error;
  }
}
