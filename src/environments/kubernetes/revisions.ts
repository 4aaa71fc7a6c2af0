import type { KubeClient } from "../../kubernetes/kube-client.ts";
import type { KubeError } from "../../kubernetes/kube-error.ts";
import { type KubeObject, type OwnerReference, resource } from "../../kubernetes/objects.ts";
import { annotation, label, manager, nameOf, ours } from "./names.ts";
import type { RevisionRecord } from "./revision-record.ts";

interface ControllerRevision extends KubeObject {
  readonly revision: number;
  readonly data?: RevisionRecord;
}

/** Revisions that are kept of each API. */
const kept = 10;

export function labelsOf(record: RevisionRecord): Record<string, string> {
  return {
    [label.managedBy]: manager,
    [label.name]: record.spec.name,
    [label.kind]: record.spec.kind,
    [label.revision]: String(record.number),
  };
}

/** Of one that was kept for an API of the same name that was deleted a moment ago, and that the cluster is about to remove. */
const mostTries = 5;

/** Keeps a revision for `history` and `rollback`; what is kept is never changed. */
export async function keepRevision(
  client: KubeClient,
  namespace: string,
  record: RevisionRecord,
  owner: OwnerReference,
  signal: AbortSignal,
): Promise<void> {
  const object: ControllerRevision = {
    apiVersion: resource.controllerRevision.apiVersion,
    kind: resource.controllerRevision.kind,
    metadata: {
      name: nameOf.controllerRevision(record.spec.name, record.number),
      namespace,
      labels: labelsOf(record),
      annotations: { [annotation.revisionId]: record.id },
      ownerReferences: [owner],
    },
    revision: record.number,
    data: record,
  };
  for (let tries = 1; ; tries += 1) {
    try {
      await client.create(object, signal);
      return;
    } catch (error) {
      if ((error as KubeError).reason !== "AlreadyExists" || tries >= mostTries) throw error;
    }
    const { name } = object.metadata;
    const found = (await listRevisions(client, namespace, record.spec.name, signal)).find(
      ({ metadata }) => metadata.name === name,
    );
    if (found?.metadata.ownerReferences?.some(({ uid }) => uid === owner.uid)) return;
    const { uid } = found?.metadata ?? {};
    if (uid !== undefined) await client.remove(resource.controllerRevision, namespace, name, { uid }, signal);
  }
}

/** @returns newest first */
export async function readRevisions(
  client: KubeClient,
  namespace: string,
  api: string,
  signal: AbortSignal,
): Promise<readonly RevisionRecord[]> {
  const found = await listRevisions(client, namespace, api, signal);
  const records = found.flatMap(({ data }) => (data ? [data] : []));
  return records.toSorted((a, b) => b.number - a.number);
}

async function listRevisions(
  client: KubeClient,
  namespace: string,
  api: string,
  signal: AbortSignal,
): Promise<readonly ControllerRevision[]> {
  const labelSelector = `${ours},${label.name}=${api}`;
  const list = await client.list<ControllerRevision>(resource.controllerRevision, { namespace, labelSelector }, signal);
  return list?.items ?? [];
}

/** Removes revisions beyond those kept, and values of variables that no kept one needs. @param records newest first */
export async function pruneRevisions(
  client: KubeClient,
  namespace: string,
  records: readonly RevisionRecord[],
  signal: AbortSignal,
): Promise<void> {
  const stay = new Set(records.slice(0, kept).map(({ id }) => id));
  await Promise.all(
    records
      .slice(kept)
      .flatMap(({ spec, number, id, hasVariables }) => [
        client.remove(resource.controllerRevision, namespace, nameOf.controllerRevision(spec.name, number), {}, signal),
        ...(hasVariables && !stay.has(id)
          ? [client.remove(resource.secret, namespace, nameOf.variables(spec.name, id), {}, signal)]
          : []),
      ]),
  );
}
