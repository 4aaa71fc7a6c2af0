import { isDeepStrictEqual } from "node:util";

type Schema = { readonly [key: string]: unknown };

/**
 * As much of a JSON Schema validator as our schemas need.
 * @returns the paths of `value` that do not fit `schema`; empty when all do
 * @throws Error for a keyword that it does not know, so that no rule is passed over
 */
export function misfits(value: unknown, schema: Schema, root: Schema = schema, path = "$"): readonly string[] {
  return Object.entries(schema).flatMap(([keyword, rule]) => {
    const check = keywords[keyword];
    if (!check) throw new Error(`the keyword ${keyword} is not known`);
    return check(rule as never, { value, schema, root, path });
  });
}

interface Place {
  readonly value: unknown;
  readonly schema: Schema;
  readonly root: Schema;
  readonly path: string;
}

type Check = (rule: never, place: Place) => readonly string[];

const fails = (isWrong: boolean, { path }: Place, what: string): readonly string[] =>
  isWrong ? [`${path}: ${what}`] : [];
const annotation: Check = () => [];

const keywords: Readonly<Record<string, Check>> = {
  $schema: annotation,
  $defs: annotation,
  title: annotation,
  description: annotation,
  default: annotation,
  deprecated: annotation,
  // biome-ignore lint/suspicious/noThenProperty: the word is JSON Schema's
  then: annotation,
  type: (rule: string | readonly string[], place) =>
    fails(![rule].flat().some((type) => isOfType(place.value, type)), place, `is not ${String(rule)}`),
  enum: (rule: readonly unknown[], place) => fails(!rule.includes(place.value), place, "is not in the list"),
  const: (rule: unknown, place) => fails(!isDeepStrictEqual(rule, place.value), place, `is not ${String(rule)}`),
  minimum: (rule: number, place) => fails(Number(place.value) < rule && isNumber(place), place, `is below ${rule}`),
  maximum: (rule: number, place) => fails(Number(place.value) > rule && isNumber(place), place, `is above ${rule}`),
  exclusiveMinimum: (rule: number, place) =>
    fails(Number(place.value) <= rule && isNumber(place), place, `is not above ${rule}`),
  exclusiveMaximum: (rule: number, place) =>
    fails(Number(place.value) >= rule && isNumber(place), place, `is not below ${rule}`),
  minLength: (rule: number, place) => fails(isText(place) && String(place.value).length < rule, place, "is too short"),
  maxLength: (rule: number, place) => fails(isText(place) && String(place.value).length > rule, place, "is too long"),
  pattern: (rule: string, place) =>
    fails(isText(place) && !new RegExp(rule).test(String(place.value)), place, "does not match"),
  minItems: (rule: number, place) =>
    fails(Array.isArray(place.value) && place.value.length < rule, place, "has too few items"),
  maxItems: (rule: number, place) =>
    fails(Array.isArray(place.value) && place.value.length > rule, place, "has too many items"),
  items: (rule: Schema, { value, root, path }) =>
    Array.isArray(value) ? value.flatMap((one, index) => misfits(one, rule, root, `${path}[${index}]`)) : [],
  required: (rule: readonly string[], { value, path }) =>
    isMap(value) ? rule.filter((key) => !Object.hasOwn(value, key)).map((key) => `${path}.${key}: is missing`) : [],
  properties: (rule: Record<string, Schema>, { value, root, path }) =>
    isMap(value)
      ? Object.entries(value).flatMap(([key, one]) =>
          rule[key] ? misfits(one, rule[key], root, `${path}.${key}`) : [],
        )
      : [],
  additionalProperties: (rule: boolean | Schema, { value, schema, root, path }) => {
    const known = (schema.properties ?? {}) as object;
    const extra = isMap(value) ? Object.entries(value).filter(([key]) => !Object.hasOwn(known, key)) : [];
    return extra.flatMap(([key, one]) => {
      if (typeof rule === "boolean") return rule ? [] : [`${path}.${key}: is not known`];
      return misfits(one, rule, root, `${path}.${key}`);
    });
  },
  anyOf: (rule: readonly Schema[], { value, root, path }) => {
    const results = rule.map((one) => misfits(value, one, root, path));
    return results.some((result) => result.length === 0) ? [] : results.toSorted((a, b) => a.length - b.length)[0]!;
  },
  allOf: (rule: readonly Schema[], { value, root, path }) => rule.flatMap((one) => misfits(value, one, root, path)),
  if: (rule: Schema, { value, schema, root, path }) =>
    misfits(value, rule, root, path).length === 0 ? misfits(value, schema.then as Schema, root, path) : [],
  $ref: (rule: string, { value, root, path }) =>
    misfits(value, (root.$defs as Record<string, Schema>)[rule.replace("#/$defs/", "")]!, root, path),
};

const isNumber = ({ value }: Place): boolean => typeof value === "number";
const isText = ({ value }: Place): boolean => typeof value === "string";
const isMap = (value: unknown): value is object => typeof value === "object" && value !== null && !Array.isArray(value);

function isOfType(value: unknown, type: string): boolean {
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "object") return isMap(value);
  if (type === "integer") return Number.isInteger(value);
  return typeof value === type;
}
