import { type Caller, readAll, readJson } from "./caller.ts";
import { discoveryOf } from "./discovery.ts";
import type { KubeClient, RawRequest, RawResponse } from "./kube-client.ts";
import { KubeError } from "./kube-error.ts";
import { listAll } from "./list.ts";
import type { KubeObject, ResourceType } from "./objects.ts";
import { groupOf, pathOf, query } from "./paths.ts";
import { type Asked, readStatus, refusal } from "./refusal.ts";
import { watchKind } from "./watch.ts";

/** The field manager of every write. */
const fieldManager = "cortex";

type Identity = Pick<KubeClient, "context" | "server" | "namespace"> & Pick<Asked, "strangerHint">;

/** The client over `caller`; `close` ends its connections. */
export function clientOver(caller: Caller, identity: Identity, close: () => Promise<void>): KubeClient {
  const { context, strangerHint } = identity;
  const discovery = discoveryOf(context, (path, signal) =>
    absentAsUndefined(exchange({ method: "GET", path }, { verb: "get", path, context }, signal)),
  );

  function asked(
    verb: string,
    type: ResourceType,
    namespace: string | undefined,
    name: string,
    subresource?: string,
  ): Asked {
    return {
      verb,
      group: groupOf(type),
      resource: subresource ? `${type.plural}/${subresource}` : type.plural,
      kind: type.kind,
      namespace: type.isNamespaced ? namespace : undefined,
      name,
      path: pathOf(type, namespace, name, subresource),
      context,
    };
  }

  function exchange<T>(request: RawRequest, about: Asked, signal: AbortSignal): Promise<T> {
    return caller.repeat(request, about, (response) => readJson<T>(response, about), signal);
  }

  function write<T>(
    method: string,
    about: Asked,
    path: string,
    type: string,
    body: unknown,
    signal: AbortSignal,
  ): Promise<T> {
    const headers = { accept: "application/json", "content-type": type };
    return exchange({ method, path, headers, body: JSON.stringify(body) }, about, signal);
  }

  /** The namespace that `object` goes into; one without goes where the context says. */
  const home = ({ metadata }: KubeObject) => metadata.namespace ?? identity.namespace;

  return {
    ...identity,
    async get<T extends KubeObject>(
      type: ResourceType,
      namespace: string | undefined,
      name: string,
      signal: AbortSignal,
    ) {
      const about = asked("get", type, namespace, name);
      return absentAsUndefined(exchange<T>({ method: "GET", path: about.path }, about, signal));
    },
    async list<T extends KubeObject>(
      type: ResourceType,
      options: Parameters<KubeClient["list"]>[1],
      signal: AbortSignal,
    ) {
      return listAll<T>(caller, context, type, options, signal);
    },
    watch(type, options, signal) {
      return watchKind(caller, context, type, options, signal);
    },
    async create(object, signal) {
      const type = await discovery.typeOf(object, signal);
      const about = asked("create", type, home(object), object.metadata.name);
      const path = pathOf(type, home(object)) + query({ fieldManager });
      return write("POST", about, path, "application/json", object, signal);
    },
    async apply(object, { force, dryRun }, signal) {
      const type = await discovery.typeOf(object, signal);
      const about = asked("patch", type, home(object), object.metadata.name);
      const path = about.path + query({ fieldManager, force: force ?? false, dryRun: dryRun ? "All" : undefined });
      return write("PATCH", about, path, "application/apply-patch+yaml", object, signal);
    },
    async replace(object, signal) {
      const type = await discovery.typeOf(object, signal);
      const about = asked("update", type, home(object), object.metadata.name);
      return write("PUT", about, about.path + query({ fieldManager }), "application/json", object, signal);
    },
    async patch<T extends KubeObject>(
      type: ResourceType,
      namespace: string | undefined,
      name: string,
      patch: unknown,
      signal: AbortSignal,
      subresource?: "status" | "scale",
    ) {
      const about = asked("patch", type, namespace, name, subresource);
      const path = about.path + query({ fieldManager });
      return absentAsUndefined(write<T>("PATCH", about, path, "application/merge-patch+json", patch, signal));
    },
    async remove(type, namespace, name, { uid, resourceVersion, propagation }, signal) {
      const about = asked("delete", type, namespace, name);
      const preconditions = uid || resourceVersion ? { uid, resourceVersion } : undefined;
      const options = {
        apiVersion: "v1",
        kind: "DeleteOptions",
        propagationPolicy: propagation ?? "Background",
        preconditions,
      };
      try {
        await write("DELETE", about, about.path, "application/json", options, signal);
        return true;
      } catch (error) {
        if (error instanceof KubeError && error.status === 404) return error.isAfterLostReply;
        throw error;
      }
    },
    request: (request, signal) => caller.once(request, signal),
    openSocket: (path, protocols, signal) => caller.openSocket(path, protocols, signal),
    async json<T>(request: RawRequest, signal: AbortSignal) {
      const stranger = strangerHint === undefined ? {} : { strangerHint };
      const about = { verb: request.method.toLowerCase(), path: request.path, context, ...stranger };
      const response: RawResponse = await caller.once(request, signal);
      if (response.status >= 200 && response.status < 300) return readJson<T>(response, about);
      throw refusal(response.status, readStatus(response.status, await readAll(response)), about);
    },
    [Symbol.asyncDispose]: close,
  };
}

async function absentAsUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return undefined;
    throw error;
  }
}
