import type { Drift } from "../../core/environment.ts";
import type { KubeObject, ManagedFields } from "../../kubernetes/objects.ts";
import { manager } from "./names.ts";

/**
 * Where `live` is not as Cortex writes it: fields of ours that differ, and fields of a specification that somebody added by
 * hand. What controllers write (status, replicas under an autoscaler, defaults) is no drift.
 * @param wanted in canonical form, as the API server gives it back
 */
export function driftOf(wanted: KubeObject, live: KubeObject | undefined): readonly Drift[] {
  const where = `${wanted.kind} ${wanted.metadata.name}`;
  if (!live) return [{ path: where, before: undefined, after: "as deployed" }];
  const { metadata, ...rest } = wanted;
  const { labels, annotations } = metadata;
  const found: Drift[] = [];
  compare({ metadata: { labels, annotations }, ...rest }, live, "", (path, before, after) =>
    found.push({ path: `${where}: ${path}`, before: shown(path, before), after: shown(path, after) }),
  );
  const known = new Set(found.map(({ path }) => path));
  for (const [path, by] of addedByHand(wanted, live)) {
    const full = `${where}: ${path}`;
    if (![...known].some((one) => one === full || one.startsWith(full) || full.startsWith(one))) {
      found.push({ path: full, before: `set by ${by}`, after: undefined });
    }
  }
  return found;
}

/** Whether somebody put into `live` what Cortex did not write there. Applying leaves that alone; only writing the whole takes it out. */
export function hasAdditions(wanted: KubeObject, live: KubeObject): boolean {
  return driftOf(wanted, live).some(({ after }) => after === undefined);
}

type Report = (path: string, before: unknown, after: unknown) => void;

/** Items of lists that have a name or a port are told apart by it, as Kubernetes merges them. */
function compare(wanted: unknown, live: unknown, path: string, report: Report): void {
  if (wanted === undefined) return;
  if (Array.isArray(wanted)) compareLists(wanted, live, path, report);
  else if (typeof wanted === "object" && wanted !== null) {
    if (typeof live !== "object" || live === null) {
      report(path, live, wanted);
      return;
    }
    for (const [key, value] of Object.entries(wanted)) {
      compare(value, (live as Record<string, unknown>)[key], path === "" ? key : `${path}.${key}`, report);
    }
  } else if (wanted !== live) report(path, live, wanted);
}

function compareLists(wanted: readonly unknown[], live: unknown, path: string, report: Report): void {
  const items = Array.isArray(live) ? (live as readonly unknown[]) : [];
  const isKeyed = wanted.length > 0 && wanted.every((item) => keyOf(item) !== undefined);
  if (!isKeyed) {
    if (wanted.length !== items.length) report(path, live, wanted);
    else for (const [index, item] of wanted.entries()) compare(item, items[index], `${path}[${index}]`, report);
    return;
  }
  const byKey = new Map(items.map((item) => [keyOf(item), item]));
  for (const item of wanted) compare(item, byKey.get(keyOf(item)), `${path}[${keyOf(item)}]`, report);
  const ours = new Set(wanted.map(keyOf));
  for (const item of items) {
    if (!ours.has(keyOf(item))) report(`${path}[${keyOf(item)}]`, item, undefined);
  }
}

function keyOf(item: unknown): string | undefined {
  if (typeof item !== "object" || item === null) return undefined;
  const { name, type, port } = item as { name?: unknown; type?: unknown; port?: unknown };
  if (typeof name === "string") return name;
  if (typeof type === "string") return type;
  return typeof port === "number" ? String(port) : undefined;
}

/** Managers that write into specifications as a part of their work. */
const controllers = /^(kube-|cluster-autoscaler|keda|envoy-gateway|eks|vpa|cloud-controller|endpoint|gatewayclass)/;

/** Leaves below `spec` that another manager than us set, by their path; each with that manager. */
function addedByHand(wanted: KubeObject, live: KubeObject): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const entry of live.metadata.managedFields ?? []) {
    if (!isByHand(entry)) continue;
    const spec = entry.fieldsV1["f:spec"];
    if (spec === undefined) continue;
    for (const path of leaves(spec, "spec")) {
      const missing = firstMissing(wanted, path);
      if (missing !== undefined && !isControllers(path)) found.set(missing, entry.manager);
    }
  }
  return found;
}

/** Whether a person's tool wrote these fields, neither Cortex nor a controller. */
export function isByHand({ manager: by, subresource }: ManagedFields): boolean {
  return by !== manager && subresource === undefined && !controllers.test(by);
}

function isControllers(path: string): boolean {
  return (
    path === "spec.replicas" ||
    /annotations\["(deployment\.kubernetes\.io|kubectl\.kubernetes\.io\/restartedAt)/.test(path)
  );
}

/** @returns dotted paths of the leaves of a fieldsV1 tree, list items by their key */
function leaves(tree: unknown, path: string): string[] {
  if (typeof tree !== "object" || tree === null) return [path];
  const children = Object.entries(tree).filter(([key]) => key !== ".");
  if (children.length === 0) return [path];
  return children.flatMap(([key, child]) => leaves(child, `${path}${step(key)}`));
}

function step(key: string): string {
  if (key.startsWith("f:")) return `.${key.slice(2)}`;
  if (key.startsWith("k:")) {
    const item = JSON.parse(key.slice(2)) as Record<string, unknown>;
    return `[${item.name ?? item.type ?? item.port ?? item.containerPort ?? JSON.stringify(item)}]`;
  }
  return `[${key.slice(2)}]`;
}

/** @returns the shortest beginning of `path` that leads to nothing in `value`; undefined when all of it leads somewhere */
function firstMissing(value: unknown, path: string): string | undefined {
  const ends = [...path.matchAll(/(?<=.)(?=\.(?![^[]*\]))|(?<=.)(?=\[)|$/g)].map(({ index }) => path.slice(0, index));
  return ends.find((beginning) => valueAt(value, beginning) === undefined);
}

function valueAt(value: unknown, path: string): unknown {
  let at: unknown = value;
  for (const [, name, key] of path.matchAll(/\.?([^.[\]]+)|\[([^\]]+)\]/g)) {
    if (at === undefined || at === null) return undefined;
    if (name !== undefined) at = (at as Record<string, unknown>)[name];
    else at = Array.isArray(at) ? (at as readonly unknown[]).find((item) => keyOf(item) === key) : undefined;
  }
  return at;
}

/** Values of environment variables are never shown, whoever wrote them. */
function shown(path: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (/\.env\[/.test(path)) return "(hidden)";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 120 ? `${text.slice(0, 117)}…` : text;
}
