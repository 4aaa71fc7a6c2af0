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
export function keyPaths(fields: Fields): Map<string, string> {
  const paths = new Map<string, string>();
  let level: readonly (readonly [prefix: string, fields: Fields])[] = [["", fields]];
  while (level.length > 0) {
    const found = level.flatMap(([prefix, all]) =>
      Object.entries(all).map(([key, field]) => ({ key, path: prefix + key, field })),
    );
    for (const { key, path } of found) if (!paths.has(key)) paths.set(key, path);
    level = found.flatMap(({ path, field }) => {
      const inner = fieldsBelow(field.shape);
      return inner ? [[`${path}${inner.suffix}.`, inner.fields] as const] : [];
    });
  }
  return paths;
}

/** @returns the fields inside a value of this shape: its own, or those of its items */
export function fieldsBelow(shape: Shape<unknown>): { readonly fields: Fields; readonly suffix: string } | undefined {
  if (shape.fields) return { fields: shape.fields, suffix: "" };
  return shape.item?.fields && { fields: shape.item.fields, suffix: "[]" };
}
