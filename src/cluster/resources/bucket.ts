import type { BucketLocationConstraint } from "@aws-sdk/client-s3";
import { awsErrorName } from "../../aws/refusal.ts";
import type { S3 } from "../../aws/services/s3.ts";
import { CortexError } from "../../core/errors.ts";
import type { ResourceKind } from "../../core/graph/resource.ts";
import { clusterTag, type ResourceContext, tagsOf } from "./context.ts";
import { namesOf } from "./names.ts";
import { type Tags, tagDifferences, tagList, tagsFrom } from "./tags.ts";
import { unless, untilKnown, type Waiting } from "./wait.ts";

export interface BucketWish {
  readonly id: string;
}

export interface Bucket {
  readonly name: string;
  /** Nothing in it can be given to everybody. */
  readonly isClosed: boolean;
  readonly tags: Tags;
}

export type BucketKind = ResourceKind<BucketWish, Bucket>;

/** It is known by its name, which no other cluster has; its tags come last, so that one without them is made to the end. */
export function bucketKind(context: ResourceContext): BucketKind {
  const { aws, identity, clusterName } = context;
  const { bucket: name } = namesOf({ clusterName, accountId: identity.accountId, region: aws.region });
  const ours = { Bucket: name, ExpectedBucketOwner: identity.accountId };

  async function complete(id: string, state: Bucket, waiting: Waiting, signal: AbortSignal): Promise<Bucket> {
    const s3 = await aws.s3();
    const close = { ...ours, PublicAccessBlockConfiguration: closed };
    await untilKnown(waiting, () => s3.putPublicAccessBlock(close, signal), signal);
    // S3 takes all tags or none.
    const tags = { ...state.tags, ...tagsOf(context, id) };
    const marked = { ...ours, Tagging: { TagSet: tagList(tags) } };
    await untilKnown(waiting, () => s3.putBucketTagging(marked, signal), signal);
    return { name, isClosed: true, tags };
  }

  return {
    name: "bucket",
    title: "S3 bucket",
    needs: [],
    typicalMs: { create: 3_000, update: 1_000, remove: 3_000 },
    async list(signal) {
      const tags = await readTags(await aws.s3(), ours, signal).catch((error: unknown) => {
        const isRefused = error instanceof CortexError && awsErrorName(error) === "AccessDenied";
        throw isRefused ? new BucketRefused(name, error) : error;
      });
      const isForeign = tags?.[clusterTag] !== undefined && tags[clusterTag] !== clusterName;
      if (tags === undefined || isForeign) return [];
      const state = { name, isClosed: await readClosed(await aws.s3(), ours, signal), tags };
      return [{ id: "bucket", label: name, state, status: "ready" }];
    },
    async create({ id }, doing, signal) {
      const s3 = await aws.s3();
      // The oldest region is no value for its own constraint.
      const place = { LocationConstraint: aws.region as BucketLocationConstraint };
      const bucket = aws.region === "us-east-1" ? { Bucket: name } : { Bucket: name, CreateBucketConfiguration: place };
      try {
        await s3.createBucket(bucket, signal);
      } catch (error) {
        if (awsErrorName(error) === "BucketAlreadyExists") throw taken(name, error);
        if (awsErrorName(error) !== "BucketAlreadyOwnedByYou") throw error;
      }
      return complete(id, { name, isClosed: false, tags: (await readTags(s3, ours, signal)) ?? {} }, doing, signal);
    },
    differences({ id }, state) {
      const tags = tagDifferences(tagsOf(context, id), state.tags);
      return state.isClosed ? tags : [{ field: "public access", from: "possible", to: "blocked" }, ...tags];
    },
    update: ({ id }, state, waiting, signal) => complete(id, state, waiting, signal),
    async settle({ state }) {
      return state;
    },
    async remove(_state, _waiting, signal) {
      const s3 = await aws.s3();
      for (;;) {
        await unless(["NoSuchBucket"], () => empty(s3, ours, signal));
        try {
          await unless(["NoSuchBucket"], () => s3.deleteBucket(ours, signal));
          return;
        } catch (error) {
          // Somebody wrote meanwhile; what a bucket with versions keeps is not for us to throw away.
          if (awsErrorName(error) !== "BucketNotEmpty") throw error;
          if (await isEmpty(s3, ours, signal)) throw hasVersions(name, error);
        }
      }
    },
  };
}

interface Ours {
  readonly Bucket: string;
  readonly ExpectedBucketOwner: string;
}

const closed = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
} as const;

async function readClosed(s3: S3, ours: Ours, signal: AbortSignal): Promise<boolean> {
  try {
    const { PublicAccessBlockConfiguration: now = {} } = await s3.getPublicAccessBlock(ours, signal);
    return (Object.keys(closed) as (keyof typeof closed)[]).every((key) => now[key] === true);
  } catch (error) {
    const name = awsErrorName(error);
    if (name === "NoSuchPublicAccessBlockConfiguration" || name === "NoSuchBucket") return false;
    throw error;
  }
}

/** @returns undefined when there is no such bucket of this account */
async function readTags(s3: S3, ours: Ours, signal: AbortSignal): Promise<Tags | undefined> {
  try {
    return tagsFrom((await s3.getBucketTagging(ours, signal)).TagSet);
  } catch (error) {
    const name = awsErrorName(error);
    if (name === "NoSuchTagSet") return {};
    if (name === "NoSuchBucket" || name === "NotFound") return undefined;
    throw error;
  }
}

async function empty(s3: S3, ours: Ours, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { Contents = [], IsTruncated } = await s3.listObjectsV2(ours, signal);
    const keys = Contents.flatMap(({ Key }) => (Key === undefined ? [] : [{ Key }]));
    if (keys.length > 0) {
      const { Errors = [] } = await s3.deleteObjects({ ...ours, Delete: { Objects: keys, Quiet: true } }, signal);
      if (Errors[0]) {
        throw new CortexError("FAILED", `${ours.Bucket}/${Errors[0].Key} cannot be deleted: ${Errors[0].Message}`, {
          hint: "delete it by hand, then run the same command again",
        });
      }
    }
    if (!IsTruncated) return;
  }
}

async function isEmpty(s3: S3, ours: Ours, signal: AbortSignal): Promise<boolean> {
  return ((await s3.listObjectsV2({ ...ours, MaxKeys: 1 }, signal)).Contents ?? []).length === 0;
}

export const takenText = (name: string) => `the bucket ${name} belongs to another account`;
export const takenHint = "choose another cluster_name";

function taken(name: string, cause: unknown): CortexError {
  return new CortexError("CONFLICT", takenText(name), { hint: takenHint, cause });
}

/** It belongs to another account, or that right is missing: S3 answers both alike. */
export class BucketRefused extends CortexError {
  readonly bucket: string;

  constructor(bucket: string, cause: CortexError) {
    super("NOT_AUTHORISED", cause.message, { ...(cause.hint !== undefined && { hint: cause.hint }), cause });
    this.bucket = bucket;
  }
}

function hasVersions(name: string, cause: unknown): CortexError {
  return new CortexError("FAILED", `the bucket ${name} keeps former versions of objects, and is not deleted`, {
    hint: "empty it in the S3 console, then run the same command again",
    cause,
  });
}
