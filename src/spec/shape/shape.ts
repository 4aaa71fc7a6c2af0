import type { ApiKind, JsonValue } from "../api.ts";
import type { Report } from "../report.ts";
import { describeNode, type Entry, type MapNode, type Node, type Place } from "../yaml/node.ts";

/**
 * What a value in a file may look like. Everything that is known of a field comes from its shape and its `Field`:
 * how it is read and checked, `explain`, the JSON Schemas and the reference in docs/.
 */
export interface Shape<T> {
  /** For a person, in the singular: "whole number". */
  readonly type: string;
  /** What a value must satisfy, for a person: "1 to 20". */
  readonly limits?: string;
  /** The keys of a map with fixed keys. */
  readonly fields?: Fields;
  /** What the items of a list, or the values of a map with free keys, look like. */
  readonly item?: Shape<unknown>;
  /** JSON Schema of a value, without what `fields` and `item` say. */
  readonly schema: { readonly [key: string]: JsonValue };
  /** True for values that are always text: then a schema needs no second form for `${VAR}`. */
  readonly isText?: boolean;
  /** @returns undefined when the value does not fit, which has been reported */
  read(node: Node, reading: Reading): T | undefined;
}

export interface Reading {
  readonly report: Report;
  /** Decides which fields an API may have; undefined in files that know no kinds. */
  readonly kind: ApiKind | undefined;
  /** Says why a key is not known when a look at its neighbours does not. */
  explainUnknown?(entry: Entry): string | undefined;
}

export interface FieldDoc {
  readonly description: string;
  /** As it would be written in the file. */
  readonly example?: string;
  /** The kinds of API that have this field; all of them when undefined. */
  readonly kinds?: readonly ApiKind[];
  /** The default for a person, when it depends on something. */
  readonly defaultText?: string;
}

export interface Field<T> extends FieldDoc {
  readonly shape: Shape<unknown>;
  readonly isRequired: boolean;
  /** The default as JSON; undefined when there is none, or when it depends on something. */
  readonly fallback?: JsonValue;
  /** True when null may be written, and means something else than the default. */
  readonly isNullable?: boolean;
  /** @param parent the map that should hold the field. @returns undefined when a problem has been reported */
  read(entry: Entry | undefined, parent: Parent, key: string, reading: Reading): T | undefined;
}

/** A map, and where to point when something is missing in it. */
export interface Parent {
  readonly node: MapNode;
  readonly place: Place;
}

// biome-ignore lint/suspicious/noExplicitAny: a field of any value, where only its documentation is of interest
export type Fields = Readonly<Record<string, Field<any>>>;

export type Values<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

/** Values as they are before it is known that there is no problem: any of them may be missing. */
export type Loose<T> = T extends string | number | boolean | null
  ? T
  : T extends readonly (infer I)[]
    ? readonly Loose<I>[]
    : { readonly [K in keyof T]?: Loose<T[K]> | undefined };

/** Reports that `node` is something else than was expected. */
export function mismatch(node: Node, expected: string, reading: Reading, hint?: string): undefined {
  if (node.kind === "scalar" && node.isBroken) return undefined;
  reading.report.problem(node, `expected ${expected}, got ${describeNode(node)}`, hint);
  return undefined;
}

export const withArticle = (noun: string): string => `${/^[aeiou]/i.test(noun) ? "an" : "a"} ${noun}`;
