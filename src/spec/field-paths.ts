import { apiFields } from "./definitions/api-fields.ts";
import { nearest } from "./nearest.ts";
import type { Fields, Shape } from "./shape/shape.ts";
import type { Entry } from "./yaml/node.ts";

/** @returns where a key that is not known here does belong, as a hint: `did you mean autoscaling.max_replicas?` */
export function explainUnknownKey({ key }: Entry): string | undefined {
  const paths = keyPaths(apiFields);
  const close = paths.has(key) ? key : nearest(key, [...paths.keys()]);
  const path = close === undefined ? undefined : paths.get(close);
  return path && `did you mean ${path}?`;
}

/** @returns the shallowest place of each key of the configuration */
export function keyPaths(fields: Fields, prefix = "", into = new Map<string, string>()): Map<string, string> {
  for (const key of Object.keys(fields)) if (!into.has(key)) into.set(key, prefix + key);
  for (const [key, { shape }] of Object.entries(fields)) {
    const inner = fieldsBelow(shape);
    if (inner) keyPaths(inner.fields, `${prefix}${key}${inner.suffix}.`, into);
  }
  return into;
}

/** @returns the fields inside a value of this shape: its own, or those of its items */
export function fieldsBelow(shape: Shape<unknown>): { readonly fields: Fields; readonly suffix: string } | undefined {
  if (shape.fields) return { fields: shape.fields, suffix: "" };
  return shape.item?.fields && { fields: shape.item.fields, suffix: "[]" };
}
