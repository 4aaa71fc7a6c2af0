import type { Project, RolloutEvent } from "../../core/environment.ts";
import { CortexError } from "../../core/errors.ts";
import { EventHistory } from "../../core/streams.ts";
import type { BuiltImage, ImageBuilder, ImageEvent, ImageInput } from "../../image/image.ts";
import type { KubeClient } from "../../kubernetes/kube-client.ts";
import type { KubeObject, OwnerReference } from "../../kubernetes/objects.ts";
import type { Api, Handler } from "../../spec/api.ts";
import type { Anchor } from "./anchor.ts";
import { nodeArchitecture } from "./node-architecture.ts";
import type { RevisionRecord } from "./revision-record.ts";
import { pullSecret, variablesSecret } from "./secrets.ts";
import { variablesOf, withoutValues } from "./variables.ts";

/** What to build on when neither the API nor the environment names an image. */
export const defaultBaseImage = "docker.io/library/python:3.12-slim";

export interface RevisionInput {
  readonly api: Api;
  readonly project: Project;
  readonly id: string;
  readonly before: Anchor | undefined;
  readonly createdBy: string;
}

export interface PreparePorts {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly options: {
    readonly registry?: string;
    readonly baseImage?: string;
    readonly version: string;
    images(signal: AbortSignal): Promise<ImageBuilder>;
    now(): number;
  };
}

export interface PreparedRevision {
  readonly record: RevisionRecord;
  readonly secrets: (owner: OwnerReference | undefined) => readonly KubeObject[];
}

/** Builds and pushes what the revision runs, and says what it is. Changes nothing in the cluster. */
export async function* prepareRevision(
  input: RevisionInput,
  ports: PreparePorts,
  signal: AbortSignal,
): AsyncGenerator<RolloutEvent, PreparedRevision> {
  const handler = "handler" in input.api ? input.api.handler : null;
  if (!handler) return describe(input, ports, undefined);
  const { options } = ports;
  const [builder, image] = await Promise.all([
    options.images(signal),
    imageInput(handler, input.project, ports, signal),
  ]);
  const built = yield* told((onEvent) => builder.build(image, onEvent, signal), signal);
  yield* told((onEvent) => builder.push(built, onEvent, signal), signal);
  const credentials = await builder.pullCredentials(image.repository, signal);
  return describe(input, ports, { built, architecture: image.architecture, credentials });
}

/** The image that a handler would get, without pushing it. */
export async function imageInput(
  handler: Handler,
  project: Project,
  { client, options }: PreparePorts,
  signal: AbortSignal,
): Promise<ImageInput> {
  const { registry } = options;
  if (registry === undefined) throw new CortexError("USAGE", "no registry is configured");
  return {
    project,
    handler,
    baseImage: handler.image ?? options.baseImage ?? defaultBaseImage,
    architecture: await nodeArchitecture(client, signal),
    // One repository for all: layers that APIs share are sent and kept once.
    repository: `${registry.replace(/\/+$/, "")}/cortex`,
  };
}

export interface RunnableImage {
  readonly built: BuiltImage;
  readonly architecture: string;
  readonly credentials: Awaited<ReturnType<ImageBuilder["pullCredentials"]>>;
}

export async function describe(
  { api, project, id, before, createdBy }: RevisionInput,
  { namespace, options }: PreparePorts,
  image: RunnableImage | undefined,
): Promise<PreparedRevision> {
  const values = await variablesOf(api, project.root);
  const isSame = before?.record.id === id;
  const record: RevisionRecord = {
    number: isSame ? before.record.number : (before?.record.number ?? 0) + 1,
    id,
    project: image ? project.digest : "",
    spec: withoutValues(api),
    ...(image && { image: image.built.reference, architecture: image.architecture }),
    hasVariables: Object.keys(values).length > 0,
    hasPullSecret: image?.credentials !== undefined,
    createdAt: isSame ? before.record.createdAt : new Date(options.now()).toISOString(),
    createdBy: isSame ? before.record.createdBy : createdBy,
    ...(isSame && before.record.rollbackOf !== undefined && { rollbackOf: before.record.rollbackOf }),
    writtenBy: options.version,
  };
  return {
    record,
    secrets: (owner) => [
      ...(record.hasVariables ? [variablesSecret(namespace, record, values, owner)] : []),
      ...(image?.credentials ? [pullSecret(namespace, record, image.credentials, owner)] : []),
    ],
  };
}

/** Runs `work` and yields what it tells meanwhile. */
async function* told<T>(
  work: (onEvent: (event: ImageEvent) => void) => Promise<T>,
  signal: AbortSignal,
): AsyncGenerator<RolloutEvent, T> {
  const history = new EventHistory<RolloutEvent>();
  const done = work((event) => history.push(asRolloutEvent(event))).finally(() => history.end());
  done.catch(() => {});
  yield* history.read(signal);
  return done;
}

function asRolloutEvent(event: ImageEvent): RolloutEvent {
  switch (event.type) {
    case "step":
      return { type: "step", step: event.step };
    case "upload":
      return { type: "step", step: "pushing image", doneBytes: event.sentBytes, totalBytes: event.totalBytes };
    case "notice":
      return event;
  }
}
