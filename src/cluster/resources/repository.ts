import { awsErrorName } from "../../aws/refusal.ts";
import type { Found, ResourceKind } from "../../core/graph/resource.ts";
import { clusterTag, type ResourceContext, tagsOf } from "./context.ts";
import { namesOf } from "./names.ts";
import { type Tags, tagDifferences, tagList, tagsFrom } from "./tags.ts";
import { unless, untilKnown } from "./wait.ts";

export interface RepositoryWish {
  readonly id: string;
}

/** Where the images of APIs lie. */
export interface Repository {
  readonly name: string;
  /** What images are pushed to, registry and name. */
  readonly uri: string;
  readonly tags: Tags;
}

export type RepositoryKind = ResourceKind<RepositoryWish, Repository>;

export function repositoryKind(context: ResourceContext): RepositoryKind {
  const { aws, identity, clusterName } = context;
  const { repository: name } = namesOf({ clusterName, accountId: identity.accountId, region: aws.region });
  const arn = `arn:${identity.partition}:ecr:${aws.region}:${identity.accountId}:repository/${name}`;

  return {
    name: "repository",
    title: "image repository",
    needs: [],
    typicalMs: { create: 1_000, update: 1_000, remove: 2_000 },
    async list(signal) {
      const ecr = await aws.ecr();
      try {
        const [{ repositories }, answer] = await Promise.all([
          ecr.describeRepositories({ repositoryNames: [name] }, signal),
          ecr.listTagsForResource({ resourceArn: arn }, signal),
        ]);
        const tags = tagsFrom(answer.tags);
        const state = { name, uri: repositories?.[0]?.repositoryUri ?? "", tags };
        const found: Found<Repository> = { id: "repository", label: name, state, status: "ready" };
        return tags[clusterTag] === clusterName ? [found] : [];
      } catch (error) {
        if (awsErrorName(error) === "RepositoryNotFoundException") return [];
        throw error;
      }
    },
    async create({ id }, doing, signal) {
      const ecr = await aws.ecr();
      const tags = tagsOf(context, id);
      try {
        const { repository } = await ecr.createRepository({ repositoryName: name, tags: tagList(tags) }, signal);
        return { name, uri: repository?.repositoryUri ?? "", tags };
      } catch (error) {
        // A push made it, or this very call before its answer was lost; either way it is this cluster's by its name.
        if (awsErrorName(error) !== "RepositoryAlreadyExistsException") throw error;
      }
      const marked = { resourceArn: arn, tags: tagList(tags) };
      await untilKnown(doing, () => ecr.tagResource(marked, signal), signal);
      const { repositories } = await ecr.describeRepositories({ repositoryNames: [name] }, signal);
      return { name, uri: repositories?.[0]?.repositoryUri ?? "", tags };
    },
    differences: ({ id }, state) => tagDifferences(tagsOf(context, id), state.tags),
    async update({ id }, state, doing, signal) {
      const ecr = await aws.ecr();
      const tags = tagsOf(context, id);
      await untilKnown(doing, () => ecr.tagResource({ resourceArn: arn, tags: tagList(tags) }, signal), signal);
      return { ...state, tags: { ...state.tags, ...tags } };
    },
    async settle({ state }) {
      return state;
    },
    async remove(state, _waiting, signal) {
      const ecr = await aws.ecr();
      const remove = () => ecr.deleteRepository({ repositoryName: state.name, force: true }, signal);
      await unless(["RepositoryNotFoundException"], remove);
    },
  };
}
