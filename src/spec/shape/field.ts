import type { JsonValue } from "../api.ts";
import { childPath, type Entry, emptyMap, type Node } from "../yaml/node.ts";
import type { Field, FieldDoc, Reading, Shape } from "./shape.ts";

/** A field that must be there. */
export function required<T>(shape: Shape<T>, doc: FieldDoc): Field<T> {
  return {
    ...doc,
    shape,
    isRequired: true,
    read(entry, parent, key, reading) {
      if (entry && !isNothing(entry.value)) return shape.read(entry.value, reading);
      const path = childPath(parent.node.path, key);
      const place = entry ?? { ...parent.place, path };
      const example = doc.example === undefined ? undefined : `for example ${doc.example}`;
      reading.report.problem(place, entry ? "has no value" : "is missing", example);
      return undefined;
    },
  };
}

/** A field that is null when it is not there. */
export function optional<T>(shape: Shape<T>, doc: FieldDoc): Field<T | null> {
  return withDefault<T | null>(shape, null, undefined, doc);
}

/** A field with a default of its own; `fallback` is what the field means, `written` how a file would say it. */
export function defaulted<T>(
  shape: Shape<T>,
  { fallback, written, ...doc }: FieldDoc & { readonly fallback: NoInfer<T>; readonly written: JsonValue },
): Field<T> {
  return withDefault<T>(shape, fallback, written, doc);
}

/** As `defaulted`, but null may be written, and is kept. */
export function nullable<T>(
  shape: Shape<T>,
  { fallback, written, ...doc }: FieldDoc & { readonly fallback: NoInfer<T> | null; readonly written: JsonValue },
): Field<T | null> {
  const field = withDefault<T | null>(shape, fallback, written, doc);
  const read: typeof field.read = (entry, ...rest) =>
    entry && isNothing(entry.value) ? null : field.read(entry, ...rest);
  return { ...field, isNullable: true, read };
}

/** A map with fixed keys that is read as if it were empty when it is not there: its fields have their defaults. */
export function section<T>(shape: Shape<T>, doc: FieldDoc): Field<T> {
  return {
    ...doc,
    shape,
    isRequired: false,
    read(entry, parent, key, reading) {
      if (entry && !isNothing(entry.value)) return shape.read(entry.value, reading);
      return shape.read(emptyMap(entry ?? { ...parent.place, path: childPath(parent.node.path, key) }), reading);
    },
  };
}

function withDefault<T>(shape: Shape<unknown>, fallback: T, written: JsonValue | undefined, doc: FieldDoc): Field<T> {
  return {
    ...doc,
    shape,
    isRequired: false,
    ...(written !== undefined && { fallback: written }),
    read(entry, _parent, _key, reading) {
      if (!entry) return fallback;
      if (!isNothing(entry.value)) return shape.read(entry.value, reading) as T | undefined;
      return shape.fields || shape.item ? fallback : refuseNothing(entry, shape, doc.defaultText ?? written, reading);
    },
  };
}

/** A key without a value is a slip more often than a wish for the default. */
function refuseNothing(
  entry: Entry,
  shape: Shape<unknown>,
  fallback: JsonValue | undefined,
  reading: Reading,
): undefined {
  const gives = fallback === undefined ? "" : ` to get the default (${fallback})`;
  reading.report.problem(entry, `has no value; expected ${shape.type}`, `remove the line${gives}, or give it a value`);
}

const isNothing = (node: Node): boolean => node.kind === "scalar" && node.value === null;
