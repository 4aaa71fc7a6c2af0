import { type ApiKind, apiKinds, type JsonValue } from "./api.ts";
import { apiFields } from "./definitions/api-fields.ts";
import { clusterFields } from "./definitions/cluster-fields.ts";
import type { Field, Fields, Shape } from "./shape/shape.ts";
import { queueRename, type Rename, renames } from "./spellings/renames.ts";

type Schema = { [key: string]: JsonValue };

const draft = "https://json-schema.org/draft/2020-12/schema";

/** JSON Schema of cortex.yaml for editors. Older spellings are in it too, marked as deprecated. */
export function apiSchema(): Schema {
  const shared = new Map<string, SharedSchema>();
  const kinds = apiKinds.map((kind): [string, Schema] => [kind, objectSchema(apiFields, { kind, path: "", shared })]);
  return {
    $schema: draft,
    title: "cortex.yaml",
    description: "APIs for cortex deploy.",
    type: "array",
    minItems: 1,
    items: {
      type: "object",
      properties: { kind: { enum: [...apiKinds] } },
      // biome-ignore lint/suspicious/noThenProperty: the word is JSON Schema's
      allOf: apiKinds.map((kind) => ({ if: isKind(kind), then: { $ref: `#/$defs/${kind}` } })),
    },
    $defs: Object.fromEntries([...kinds, ...[...shared.values()].map(({ name, schema }) => [name, schema] as const)]),
  };
}

/** JSON Schema of cluster.yaml for editors. */
export function clusterSchema(): Schema {
  const description = "A cluster for cortex cluster up.";
  return {
    $schema: draft,
    title: "cluster.yaml",
    description,
    ...objectSchema(clusterFields, { kind: undefined, path: "", shared: undefined }),
  };
}

/** A file without a kind describes a RealtimeAPI. */
function isKind(kind: ApiKind): Schema {
  const schema = { properties: { kind: { const: kind } } };
  return kind === "RealtimeAPI" ? schema : { ...schema, required: ["kind"] };
}

interface Where {
  readonly kind: ApiKind | undefined;
  /** Dotted path of the field, to find its older names; undefined in cluster.yaml, which has none. */
  readonly path: string;
  /** Maps that several kinds have in common, by their text; undefined where each map stands in its place. */
  readonly shared: Map<string, SharedSchema> | undefined;
}

interface SharedSchema {
  readonly name: string;
  readonly schema: Schema;
}

function objectSchema(fields: Fields, where: Where): Schema {
  const known = Object.entries(fields).filter(([, { kinds }]) => !where.kind || !kinds || kinds.includes(where.kind));
  const below = (key: string): Where => ({ ...where, path: where.path ? `${where.path}.${key}` : key });
  return {
    type: "object",
    additionalProperties: false,
    properties: {
      ...Object.fromEntries(known.map(([key, field]) => [key, fieldSchema(field, below(key))])),
      ...(where.kind && deprecated(where.path, where.kind)),
    },
    required: known.filter(([, { isRequired }]) => isRequired).map(([key]) => key),
  };
}

function fieldSchema(field: Field<unknown>, where: Where): Schema {
  const { description, fallback, example } = field;
  const values = example?.slice(example.indexOf(":") + 1).trim();
  return {
    description: values ? `${description} For example: ${values}` : description,
    ...(fallback !== undefined && { default: fallback }),
    ...orNothing(field, valueSchema(field.shape, where)),
  };
}

/** A map or list may be left empty, and some values may be null. */
function orNothing({ shape, isNullable, isRequired }: Field<unknown>, schema: Schema): Schema {
  const mayBeEmpty = (shape.fields !== undefined || shape.item !== undefined) && !isRequired;
  return mayBeEmpty || isNullable ? { anyOf: [schema, { type: "null" }] } : schema;
}

function valueSchema(shape: Shape<unknown>, where: Where): Schema {
  if (shape.fields) return share(objectSchema(shape.fields, where), where);
  if (shape.item && shape.schema.type === "array") return { ...shape.schema, items: valueSchema(shape.item, where) };
  if (shape.item) return { ...shape.schema, additionalProperties: valueSchema(shape.item, where) };
  if (shape.isText || shape.schema.type === "object") return { ...shape.schema };
  return { anyOf: [{ ...shape.schema }, { type: "string", pattern: "\\$\\{" }] };
}

function share(schema: Schema, { path, shared }: Where): Schema {
  if (!shared) return schema;
  const text = JSON.stringify(schema);
  const twins = [...shared.values()].filter(({ name }) => name.split("@")[0] === path).length;
  const { name } = shared.get(text) ?? { name: twins === 0 ? path : `${path}@${twins + 1}` };
  shared.set(text, { name, schema });
  return { $ref: `#/$defs/${name}` };
}

/** Older keys that stood beside the fields at `path`. */
function deprecated(path: string, apiKind: ApiKind): Schema {
  const prefix = path === "" ? "" : `${path}.`;
  const old = [...renames, queueRename].filter(
    ({ from }) => from.startsWith(prefix) && !from.slice(prefix.length).includes("."),
  );
  const entries = old
    .filter((rename: Partial<Rename>) => !rename.ifList && (rename.kind ?? apiKind) === apiKind)
    .map(({ from, to, releases }): [string, JsonValue] => {
      const instead = to === undefined ? "Not used any more" : `Write ${to}`;
      return [from.slice(prefix.length), { deprecated: true, description: `${instead} (Cortex ${releases}).` }];
    });
  return Object.fromEntries(entries);
}
