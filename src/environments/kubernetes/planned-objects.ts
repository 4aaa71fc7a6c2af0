import type { Project } from "../../core/environment.ts";
import type { KubeClient } from "../../kubernetes/kube-client.ts";
import type { KubeObject } from "../../kubernetes/objects.ts";
import type { Api } from "../../spec/api.ts";
import { anchorObject } from "./anchor.ts";
import { ownerOf } from "./change-api.ts";
import { fixedReplicas } from "./drifts.ts";
import { objectsOf } from "./manifests/objects.ts";
import { describe, imageInput, type PreparedRevision, type PreparePorts } from "./prepare-revision.ts";
import type { FullSnapshot } from "./snapshot.ts";

export interface PlannedPorts extends PreparePorts {
  readonly snapshot: FullSnapshot;
}

/**
 * The objects that a deploy of `wanted` would apply, in its order; nothing is written, neither to the cluster nor to a registry.
 * Values in Secrets are masked.
 * @param options.isCheckedByServer the server's own dry run answers, with its defaults and refusals
 */
export async function plannedObjects(
  wanted: readonly { readonly api: Api; readonly id: string }[],
  project: Project,
  options: { readonly createdBy: string; readonly isCheckedByServer: boolean },
  ports: PlannedPorts,
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  const perApi = await Promise.all(
    wanted.map(async ({ api, id }) => {
      const before = ports.snapshot.anchors.get(api.name);
      const revision = { api, project, id, before, createdBy: options.createdBy };
      const prepared = await withImage(revision, ports, signal);
      const owner = before && ownerOf(before);
      const { objects } = objectsOf({
        namespace: ports.namespace,
        record: prepared.record,
        features: ports.snapshot.features,
        owner,
        replicas: before ? fixedReplicas(api) : initialReplicas(api),
        hasVariables: prepared.record.hasVariables,
        hasPullSecret: prepared.record.hasPullSecret,
        ...(before?.refreshedAt !== undefined && { refreshedAt: before.refreshedAt }),
      });
      const state = {
        record: prepared.record,
        serving: before?.serving,
        rollout: undefined,
        failure: undefined,
        refreshedAt: before?.refreshedAt,
      };
      return [anchorObject(ports.namespace, state), ...prepared.secrets(owner), ...objects];
    }),
  );
  const objects = perApi.flat();
  const shown = options.isCheckedByServer ? await checkedByServer(ports.client, objects, signal) : objects;
  return shown.map(masked);
}

async function withImage(
  revision: Parameters<typeof describe>[0],
  ports: PlannedPorts,
  signal: AbortSignal,
): Promise<PreparedRevision> {
  const handler = "handler" in revision.api ? revision.api.handler : null;
  if (!handler) return describe(revision, ports, undefined);
  const [builder, input] = await Promise.all([
    ports.options.images(signal),
    imageInput(handler, revision.project, ports, signal),
  ]);
  const [built, credentials] = await Promise.all([
    builder.build(input, () => {}, signal),
    builder.pullCredentials(input.repository, signal),
  ]);
  return describe(revision, ports, { built, architecture: input.architecture, credentials });
}

function initialReplicas(api: Api): number | undefined {
  return "autoscaling" in api ? api.autoscaling.init_replicas : undefined;
}

function checkedByServer(
  client: KubeClient,
  objects: readonly KubeObject[],
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  return Promise.all(objects.map((object) => client.apply(object, { force: true, dryRun: true }, signal)));
}

/** What is secret is not printed, also where it would be applied. */
function masked(object: KubeObject): KubeObject {
  const { data } = object as { readonly data?: Readonly<Record<string, string>> };
  if (object.kind !== "Secret" || !data) return object;
  const hidden = Buffer.from("(hidden)").toString("base64");
  const isDocker = ".dockerconfigjson" in data;
  const text = isDocker ? Buffer.from('{"auths":{}}').toString("base64") : hidden;
  return { ...object, data: Object.fromEntries(Object.keys(data).map((key) => [key, text])) } as KubeObject;
}
