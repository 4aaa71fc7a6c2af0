import type { KubeObject, ObjectMeta, OwnerReference } from "../../../kubernetes/objects.ts";
import type { Api } from "../../../spec/api.ts";
import { annotation, label, manager } from "../names.ts";
import type { RevisionRecord } from "../revision-record.ts";

/** An object with whatever else its kind has. */
export type Manifest = KubeObject & { readonly [field: string]: unknown };

/** Who an object belongs to. */
export interface Owned {
  readonly namespace: string;
  readonly record: RevisionRecord;
  /** The anchor; undefined only where there is none yet, in a dry run. */
  readonly owner: OwnerReference | undefined;
}

export function labelsOf({ kind, name }: Pick<Api, "kind" | "name">): Readonly<Record<string, string>> {
  return { [label.managedBy]: manager, [label.name]: name, [label.kind]: kind };
}

/** Selects the pods of an API. A Deployment's selector can never be changed, so neither can this. */
export function podSelector(api: string): Readonly<Record<string, string>> {
  return { [label.managedBy]: manager, [label.name]: api };
}

export function metadataOf({ namespace, record, owner }: Owned, name: string = record.spec.name): ObjectMeta {
  return {
    name,
    namespace,
    labels: labelsOf(record.spec),
    annotations: { [annotation.revisionId]: record.id },
    ...(owner && { ownerReferences: [owner] }),
  };
}
