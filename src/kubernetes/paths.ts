import { type KubeObject, type ResourceType, resource } from "./objects.ts";

/** The path of all objects of a kind, in a namespace or everywhere; with `name` that of one. */
export function pathOf(type: ResourceType, namespace: string | undefined, name?: string, subresource?: string): string {
  const root = type.apiVersion.includes("/") ? `/apis/${type.apiVersion}` : `/api/${type.apiVersion}`;
  const within = type.isNamespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  const one = name === undefined ? "" : `/${encodeURIComponent(name)}`;
  return `${root}${within}/${type.plural}${one}${subresource ? `/${subresource}` : ""}`;
}

export function groupOf({ apiVersion }: { readonly apiVersion: string }): string {
  return apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
}

const known: ReadonlyMap<string, ResourceType> = new Map(
  Object.values(resource).map((type) => [`${type.apiVersion} ${type.kind}`, type]),
);

/** @returns the kind of `object` where Cortex knows it by name */
export function knownType({ apiVersion, kind }: Pick<KubeObject, "apiVersion" | "kind">): ResourceType | undefined {
  return known.get(`${apiVersion} ${kind}`);
}

/** `?a=1&b=2` of those that are set, "" when none is. */
export function query(parameters: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const set = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== "" && value !== false);
  const pairs = set.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}
