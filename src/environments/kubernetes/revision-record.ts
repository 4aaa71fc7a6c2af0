import type { Api } from "../../spec/api.ts";

/**
 * One revision as the cluster keeps it: in the anchor's `data.revision` (the wanted one) and in a ControllerRevision each.
 * Values of environment variables stand in a Secret only; `spec` has a hash in their place.
 */
export interface RevisionRecord {
  /** Counts up from 1. */
  readonly number: number;
  readonly id: string;
  /** Digest of the project's files; "" when none matter. */
  readonly project: string;
  readonly spec: Api;
  /** By digest, of a handler; absent when users' containers run. */
  readonly image?: string;
  /** Of the nodes that can run `image`: `amd64`, `arm64`. */
  readonly architecture?: string;
  /** Whether a Secret holds values of environment variables. */
  readonly hasVariables: boolean;
  /** Whether a Secret holds credentials to pull the image. */
  readonly hasPullSecret: boolean;
  /** RFC 3339. */
  readonly createdAt: string;
  /** `user@host`. */
  readonly createdBy: string;
  readonly rollbackOf?: number;
  /** Version of Cortex that wrote it. */
  readonly writtenBy: string;
}
