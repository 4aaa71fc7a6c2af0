import type { ErrorCode } from "../../core/errors.ts";
import { CortexError } from "../../core/errors.ts";
import { resource } from "../../kubernetes/objects.ts";
import { annotation, label, manager } from "./names.ts";
import type { RevisionRecord } from "./revision-record.ts";
import type { ConfigMap } from "./shapes.ts";

/** Why the wanted revision did not become live, as every machine can read it. */
export interface RecordedFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly outOfMemory?: boolean;
  /** RFC 3339. */
  readonly at: string;
}

/**
 * What an API's anchor says: the one object that every change of the API writes first, by its resourceVersion, so that of two
 * at once one loses before it has changed anything.
 */
export interface Anchor {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly isBeingDeleted: boolean;
  /** What is wanted. */
  readonly record: RevisionRecord;
  /** The revision that was live last; undefined when none ever was. */
  readonly serving: number | undefined;
  /** When the rollout of `record` was started, and until when it may take; RFC 3339. */
  readonly rollout: { readonly startedAt: string; readonly deadline: string; readonly by: string } | undefined;
  readonly failure: RecordedFailure | undefined;
  /** Of the last refresh, RFC 3339. */
  readonly refreshedAt: string | undefined;
}

export type AnchorState = Pick<Anchor, "record" | "serving" | "rollout" | "failure" | "refreshedAt">;

/** Selects anchors among all that is Cortex's. */
export const anchorsOnly = `${label.managedBy}=${manager},${label.component}=anchor`;

/** @throws CLUSTER_REFUSED when somebody has edited it beyond recognition */
export function readAnchor(object: ConfigMap): Anchor {
  const { name, namespace, uid = "", resourceVersion = "", annotations = {}, deletionTimestamp } = object.metadata;
  try {
    const serving = annotations[annotation.serving];
    return {
      name,
      uid,
      resourceVersion,
      isBeingDeleted: deletionTimestamp !== undefined,
      record: JSON.parse(object.data?.revision ?? "") as RevisionRecord,
      serving: serving === undefined ? undefined : Number(serving),
      rollout: parsed(annotations[annotation.rollout]),
      failure: parsed(annotations[annotation.failure]),
      refreshedAt: annotations[annotation.refreshedAt],
    };
  } catch (cause) {
    throw new CortexError("CLUSTER_REFUSED", `ConfigMap ${name} does not describe an API any more`, {
      hint: `somebody has edited it; remove the API with: kubectl delete configmap ${name} -n ${namespace}, and deploy it again`,
      cause,
    });
  }
}

/** @returns the object that says `state`; for an update with the uid and resourceVersion that it replaces */
export function anchorObject(
  namespace: string,
  state: AnchorState,
  before?: Pick<Anchor, "uid" | "resourceVersion">,
): ConfigMap {
  const { record, serving, rollout, failure, refreshedAt } = state;
  const { name, kind } = record.spec;
  return {
    apiVersion: resource.configMap.apiVersion,
    kind: resource.configMap.kind,
    metadata: {
      name,
      namespace,
      ...(before && { uid: before.uid, resourceVersion: before.resourceVersion }),
      labels: {
        [label.managedBy]: manager,
        [label.name]: name,
        [label.component]: "anchor",
        [label.kind]: kind,
      },
      annotations: {
        [annotation.revisionId]: record.id,
        ...(serving !== undefined && { [annotation.serving]: String(serving) }),
        ...(rollout && { [annotation.rollout]: JSON.stringify(rollout) }),
        ...(failure && { [annotation.failure]: JSON.stringify(failure) }),
        ...(refreshedAt !== undefined && { [annotation.refreshedAt]: refreshedAt }),
      },
    },
    data: { revision: JSON.stringify(record) },
  };
}

function parsed<T>(text: string | undefined): T | undefined {
  return text === undefined ? undefined : (JSON.parse(text) as T);
}
