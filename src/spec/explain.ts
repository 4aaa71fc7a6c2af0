import { CortexError } from "../core/errors.ts";
import type { ApiKind, JsonValue } from "./api.ts";
import { apiFields } from "./definitions/api-fields.ts";
import { clusterFields } from "./definitions/cluster-fields.ts";
import { fieldsBelow, keyPaths } from "./field-paths.ts";
import { nearest } from "./nearest.ts";
import type { Field, Fields } from "./shape/shape.ts";
import { queueRename, type Rename, renames } from "./spellings/renames.ts";

/** What is known of one field of a configuration file. */
export interface Explanation {
  /** As `explain` takes it, e.g. `autoscaling.max_replicas` or `cluster.node_groups.spot`; "" for cortex.yaml itself. */
  readonly path: string;
  readonly file: "cortex.yaml" | "cluster.yaml";
  /** In the words of a person: "whole number", "list of containers". */
  readonly type: string;
  readonly required: boolean;
  /** As it would be written, or what it follows from; null when there is none. */
  readonly default: string | null;
  readonly limits: string | null;
  /** The kinds of API that have it; null for all of them. */
  readonly kinds: readonly ApiKind[] | null;
  readonly description: string;
  readonly example: string | null;
  /** How older releases of Cortex wrote it. */
  readonly oldNames: readonly { readonly path: string; readonly releases: string }[];
  /** Set when the question was for an older name. */
  readonly askedFor: string | null;
  /** The fields below it, in the order of the reference. */
  readonly children: readonly ExplainedChild[];
}

export type ExplainedChild = Pick<Explanation, "path" | "type" | "required" | "default" | "description">;

interface Found {
  readonly path: string;
  readonly field: Field<unknown> | undefined;
  readonly fields: Fields | undefined;
}

/**
 * Says what a field means. Paths are as in the file, with or without `[]`; those of cluster.yaml begin with `cluster`.
 * @param path undefined or "" for all of cortex.yaml
 * @throws USAGE with the nearest fields when there is none of this name
 */
export function explainField(path = ""): Explanation {
  const wanted = path
    .trim()
    .replaceAll(/\[\d*\]/g, "")
    .replace(/^\.+|\.+$/g, "");
  const old = renameOf(wanted);
  if (old && !find(wanted)) {
    // Where several fields took its place, the first of them is explained; its default names the others.
    const [target] = old.to?.split(" + ") ?? [];
    return target === undefined ? explainGone(old) : { ...explain(target), askedFor: wanted };
  }
  return explain(wanted);
}

function explain(wanted: string): Explanation {
  const found = find(wanted);
  if (!found) throw unknownField(wanted);
  const { field, fields } = found;
  const isCluster = found.path === "cluster" || found.path.startsWith("cluster.");
  return {
    path: found.path,
    file: isCluster ? "cluster.yaml" : "cortex.yaml",
    type: field?.shape.type ?? (isCluster ? "map" : "list of APIs"),
    required: field?.isRequired ?? true,
    default: field ? defaultOf(field) : null,
    limits: field?.shape.limits ?? null,
    kinds: field?.kinds ?? null,
    description: field?.description ?? (isCluster ? clusterIntroduction : apiIntroduction),
    example: field?.example ?? null,
    oldNames: oldNamesOf(found.path),
    askedFor: null,
    children: fields ? childrenOf(found.path, fields) : [],
  };
}

const apiIntroduction = "Describes APIs: a list, one item for each.";
const clusterIntroduction = "Describes a cluster for `cortex cluster up`.";

/** A key of an older release that says nothing any more. */
function explainGone({ from, releases, note }: Pick<Rename, "from" | "releases" | "note">): Explanation {
  return {
    path: from,
    file: "cortex.yaml",
    type: "none",
    required: false,
    default: null,
    limits: null,
    kinds: null,
    description: `Not used any more${note ? `: ${note}` : ""}.`,
    example: null,
    oldNames: [{ path: from, releases }],
    askedFor: from,
    children: [],
  };
}

function find(path: string): Found | undefined {
  if (path === "") return { path, field: undefined, fields: apiFields };
  const [first, ...rest] = path.split(".");
  const isCluster = first === "cluster";
  let found: Found = isCluster
    ? { path: "cluster", field: undefined, fields: clusterFields }
    : { path: "", field: undefined, fields: apiFields };
  for (const key of isCluster ? rest : [first ?? "", ...rest]) {
    const field = found.fields && Object.hasOwn(found.fields, key) ? found.fields[key] : undefined;
    if (!field) return undefined;
    found = { path: found.path ? `${found.path}.${key}` : key, field, fields: fieldsBelow(field.shape)?.fields };
  }
  return found;
}

function childrenOf(path: string, fields: Fields): ExplainedChild[] {
  return Object.entries(fields).map(([key, field]) => ({
    path: path ? `${path}.${key}` : key,
    type: field.shape.type,
    required: field.isRequired,
    default: defaultOf(field),
    description: field.description,
  }));
}

/** @returns the default as a file would say it; a map of defaults has none of its own */
export function defaultOf({ defaultText, fallback }: Field<unknown>): string | null {
  if (defaultText !== undefined) return defaultText;
  if (fallback === undefined || isEmptyMap(fallback)) return null;
  return typeof fallback === "object" ? JSON.stringify(fallback) : String(fallback);
}

const isEmptyMap = (value: JsonValue): boolean => JSON.stringify(value) === "{}";

const allRenames = [...renames, queueRename];

/** @returns the rename that an old path, or one below it such as `predictor.path`, falls under, its target filled in */
function renameOf(path: string): Pick<Rename, "from" | "to" | "releases" | "note"> | undefined {
  const modern = path.replace(/^(?:predictor|definition)(?=\.|$)/, "handler");
  const exact = allRenames.find(({ from }) => from === path || (from === modern && path !== modern));
  if (exact) return { ...exact, from: path };
  const whole = renames.find(({ from }) => path.startsWith(`${from}.`));
  if (!whole) return undefined;
  return { ...whole, to: whole.to && `${whole.to}${path.slice(whole.from.length)}` };
}

export function oldNamesOf(path: string): Explanation["oldNames"] {
  const matches = allRenames.filter(({ to }) => path !== "" && to?.split(" + ").includes(path));
  return matches.map(({ from, releases }) => ({ path: from, releases }));
}

function unknownField(wanted: string): CortexError {
  const paths = [
    ...keyPaths(apiFields).values(),
    ...[...keyPaths(clusterFields).values()].map((path) => `cluster.${path}`),
  ];
  const plain = [...paths.map((path) => path.replaceAll("[]", "")), ...allRenames.map(({ from }) => from)];
  const last = wanted.split(".").at(-1) ?? wanted;
  const sameKey = plain.filter((path) => path.split(".").at(-1) === last);
  const close =
    sameKey.length > 0 ? sameKey : [nearest(wanted, plain) ?? nearest(last, plain)].filter((one) => one !== undefined);
  const hint = close.length > 0 ? `did you mean ${close.slice(0, 3).join(" or ")}?` : "cortex explain lists all fields";
  return new CortexError("USAGE", `there is no field ${wanted}`, { hint });
}
