import type { JsonValue } from "../api.ts";
import { nearest } from "../nearest.ts";
import type { Entry, Node } from "../yaml/node.ts";
import { type Fields, mismatch, type Reading, type Shape, type Values, withArticle } from "./shape.ts";

/** A map with fixed keys. All of its fields are read, whatever is wrong with some. */
export function object<F extends Fields>(fields: F, type = "map"): Shape<Values<F>> {
  return {
    type,
    fields,
    schema: { type: "object" },
    read(node, reading) {
      if (node.kind !== "map") return mismatch(node, `${withArticle(type)} of keys`, reading, firstKeys(fields));
      const values: Record<string, unknown> = {};
      const place = { ...node, offset: node.keyOffset ?? node.offset };
      for (const [key, field] of Object.entries(fields)) {
        if (!isForKind(field, reading)) continue;
        values[key] = field.read(node.entries.get(key), { node, place }, key, reading);
      }
      for (const entry of node.entries.values()) checkKey(entry, fields, reading);
      return values as Values<F>;
    },
  };
}

function isForKind(field: Fields[string], { kind }: Reading): boolean {
  return kind === undefined || field.kinds === undefined || field.kinds.includes(kind);
}

function checkKey(entry: Entry, fields: Fields, reading: Reading): void {
  const field = Object.hasOwn(fields, entry.key) ? fields[entry.key] : undefined;
  if (field && isForKind(field, reading)) return;
  if (field) {
    const kinds = field.kinds?.join(", ");
    reading.report.problem(
      entry,
      `is not a field of ${withArticle(String(reading.kind))}`,
      `only these have it: ${kinds}; remove it`,
    );
    return;
  }
  const known = Object.keys(fields).filter((key) => isForKind(fields[key]!, reading));
  const close = nearest(entry.key, known);
  const hint = close === undefined ? reading.explainUnknown?.(entry) : `did you mean ${close}?`;
  reading.report.problem(entry, "is not a known key", hint ?? `known here: ${known.join(", ")}`);
}

const firstKeys = (fields: Fields): string => `its keys: ${Object.keys(fields).join(", ")}`;

export interface ListLimits {
  readonly min?: number;
  readonly max?: number;
}

export function list<T>(item: Shape<T>, { min = 0, max }: ListLimits = {}): Shape<readonly T[]> {
  const limits = [min > 0 && `at least ${min}`, max !== undefined && `at most ${max}`].filter(Boolean).join(", ");
  return {
    type: `list of ${plural(item.type)}`,
    ...(limits && { limits }),
    item,
    schema: { type: "array", ...(min > 0 && { minItems: min }), ...(max !== undefined && { maxItems: max }) },
    read(node, reading) {
      if (node.kind !== "list") {
        return mismatch(node, `a list of ${plural(item.type)}`, reading, "begin each item with `- `");
      }
      if (node.items.length < min || (max !== undefined && node.items.length > max)) {
        const { length } = node.items;
        const hint = length < min ? "begin each item with `- `" : "remove some";
        reading.report.problem(node, `has ${length} ${length === 1 ? "item" : "items"}; it needs ${limits}`, hint);
        return undefined;
      }
      return node.items.map((one) => item.read(one, reading)).filter((one): one is T & {} => one !== undefined);
    },
  };
}

export interface MapOf {
  /** What the keys are: "name", "tag". */
  readonly key: string;
  /** @returns what is wrong with a key, and what to do */
  checkKey?(key: string): readonly [cause: string, hint: string] | undefined;
}

/** A map with free keys. */
export function mapOf<T>(item: Shape<T>, { key, checkKey: check }: MapOf): Shape<Readonly<Record<string, T>>> {
  return {
    type: `map of ${key} to ${item.type}`,
    item,
    schema: { type: "object" },
    read(node, reading) {
      if (node.kind !== "map")
        return mismatch(node, `a map of ${key} to ${item.type}`, reading, `write ${key}: ${item.type}, one a line`);
      const pairs: [string, T][] = [];
      for (const entry of node.entries.values()) {
        const wrong = check?.(entry.key);
        if (wrong) reading.report.problem(entry, ...wrong);
        const value = item.read(entry.value, reading);
        if (value !== undefined) pairs.push([entry.key, value]);
      }
      return Object.fromEntries(pairs);
    },
  };
}

/** A map of any values, handed on as JSON. */
export function freeMap(): Shape<{ readonly [key: string]: JsonValue }> {
  return {
    type: "map of any values",
    schema: { type: "object" },
    read(node, reading) {
      if (node.kind !== "map") return mismatch(node, "a map of keys", reading);
      return toJson(node, reading) as { [key: string]: JsonValue };
    },
  };
}

function toJson(node: Node, reading: Reading): JsonValue {
  if (node.kind === "list") return node.items.map((item) => toJson(item, reading));
  // fromEntries defines own keys, so that one named __proto__ is a key like any other.
  if (node.kind === "map") {
    return Object.fromEntries([...node.entries.values()].map(({ key, value }) => [key, toJson(value, reading)]));
  }
  if (node.value === node.text && /^(?:yes|no|on|off)$/i.test(node.text) && !node.isQuoted) {
    const meant = /^(?:yes|on)$/i.test(node.text);
    reading.report.warning(
      node,
      `${node.text} as text`,
      `${node.text} is the text "${node.text}" here; older releases read it as ${meant}`,
      `write ${meant}, or put it in quotes`,
    );
  }
  return node.value;
}

export function plural(noun: string): string {
  const [first = "", ...rest] = noun.split(" of ");
  const many = first === "text" ? "texts" : first.endsWith("y") ? `${first.slice(0, -1)}ies` : `${first}s`;
  return [many, ...rest].join(" of ");
}
