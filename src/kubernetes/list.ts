import { type Caller, readJson } from "./caller.ts";
import type { KubeList, ListOptions, RawResponse } from "./kube-client.ts";
import { KubeError } from "./kube-error.ts";
import type { KubeObject, ResourceType } from "./objects.ts";
import { groupOf, pathOf, query } from "./paths.ts";
import { type Asked, refusal } from "./refusal.ts";

/** Objects per page: enough that most lists are one, few enough that none is large. */
const pageSize = 500;
/** Servers compress what is large; to unpack it costs less than to decrypt ten times as much. */
const compressed = { accept: "application/json", "accept-encoding": "gzip" };
/** How often a list is begun anew whose beginning the server has forgotten meanwhile; then it comes as one page. */
const restarts = 2;

interface Page<T> {
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string };
  readonly items: readonly T[] | null;
}

/** @returns all pages as one, each object with its kind, which lists leave out; undefined for a kind the cluster does not know */
export async function listAll<T extends KubeObject>(
  caller: Caller,
  context: string,
  type: ResourceType,
  options: ListOptions,
  signal: AbortSignal,
): Promise<KubeList<T> | undefined> {
  const about = askedOfAll("list", context, type, options);
  for (let restart = 0; ; restart += 1) {
    try {
      return await pages<T>(caller, about, type, options, restart < restarts ? pageSize : undefined, signal);
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.status === 404) return undefined;
      if (error.status !== 410 || restart >= restarts) throw error;
    }
  }
}

async function pages<T extends KubeObject>(
  caller: Caller,
  about: Asked,
  { apiVersion, kind }: ResourceType,
  { labelSelector, fieldSelector }: ListOptions,
  limit: number | undefined,
  signal: AbortSignal,
): Promise<KubeList<T>> {
  const items: T[] = [];
  let from: string | undefined;
  for (;;) {
    const path = about.path + query({ labelSelector, fieldSelector, limit, continue: from });
    const page = await caller.repeat(
      { method: "GET", path, headers: compressed },
      about,
      (response) => readPage<T>(response, about),
      signal,
    );
    for (const item of page.items ?? []) items.push({ ...item, apiVersion, kind });
    from = page.metadata.continue || undefined;
    if (!from) return { items, resourceVersion: page.metadata.resourceVersion ?? "" };
  }
}

/** An empty list and no list are not one: by what is not listed, things are removed. */
async function readPage<T>(response: RawResponse, about: Asked): Promise<Page<T>> {
  const page = await readJson<Page<T>>(response, about);
  if (typeof page.metadata === "object") return page;
  const message = "the answer is no list: is the server really a Kubernetes API?";
  throw refusal(response.status, { message }, about);
}

export function askedOfAll(verb: string, context: string, type: ResourceType, { namespace }: ListOptions): Asked {
  return {
    verb,
    group: groupOf(type),
    resource: type.plural,
    kind: type.kind,
    namespace: type.isNamespaced ? namespace : undefined,
    path: pathOf(type, namespace),
    context,
  };
}
