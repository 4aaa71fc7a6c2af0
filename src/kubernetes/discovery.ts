import { KubeError } from "./kube-error.ts";
import type { KubeObject, ResourceType } from "./objects.ts";
import { knownType } from "./paths.ts";

interface ApiResourceList {
  readonly resources: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[];
}

/** Where the server keeps objects: known for what Cortex itself makes, asked for all else. */
export interface Discovery {
  /** @throws KubeError for a kind that the cluster does not know */
  typeOf(object: Pick<KubeObject, "apiVersion" | "kind">, signal: AbortSignal): Promise<ResourceType>;
}

/** @param read gets a path's JSON; undefined: there is none */
export function discoveryOf(
  context: string,
  read: (path: string, signal: AbortSignal) => Promise<ApiResourceList | undefined>,
): Discovery {
  const found = new Map<string, ResourceType>();
  return {
    async typeOf({ apiVersion, kind }, signal) {
      const held = knownType({ apiVersion, kind }) ?? found.get(`${apiVersion} ${kind}`);
      if (held) return held;
      const list = await read(apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`, signal);
      for (const { name, kind: one, namespaced } of list?.resources ?? []) {
        if (!name.includes("/")) {
          found.set(`${apiVersion} ${one}`, { apiVersion, kind: one, plural: name, isNamespaced: namespaced });
        }
      }
      const type = found.get(`${apiVersion} ${kind}`);
      if (type) return type;
      throw new KubeError(
        "CLUSTER_REFUSED",
        `the cluster of context ${context} does not know the kind ${kind} of ${apiVersion}`,
        404,
        "NotFound",
        { hint: "what brings it is not installed, or in another version" },
      );
    },
  };
}
