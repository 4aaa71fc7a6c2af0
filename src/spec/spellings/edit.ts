import { type Entry, emptyMap, type MapNode } from "../yaml/node.ts";

/** @returns the entry at a dotted path below `map` */
export function findEntry(map: MapNode, path: string): Entry | undefined {
  const [key = "", ...rest] = path.split(".");
  const entry = map.entries.get(key);
  if (rest.length === 0 || entry === undefined) return entry;
  return entry.value.kind === "map" ? findEntry(entry.value, rest.join(".")) : undefined;
}

/** @returns `map` without the entry at a dotted path; a map that becomes empty stays */
export function withoutEntry(map: MapNode, path: string): MapNode {
  const [key = "", ...rest] = path.split(".");
  const entry = map.entries.get(key);
  if (entry === undefined) return map;
  const entries = new Map(map.entries);
  if (rest.length === 0) entries.delete(key);
  else if (entry.value.kind === "map") entries.set(key, { ...entry, value: withoutEntry(entry.value, rest.join(".")) });
  return { ...map, entries };
}

/**
 * @returns `map` with `entry` put at a dotted path; maps on the way are made where there are none, but a value of another
 * kind that is in the way stays, and undefined comes back
 */
export function withEntry(map: MapNode, path: string, entry: Entry): MapNode | undefined {
  const [key = "", ...rest] = path.split(".");
  const entries = new Map(map.entries);
  if (rest.length === 0) return { ...map, entries: entries.set(key, { ...entry, key }) };
  const there = map.entries.get(key);
  const isNothing = there === undefined || (there.value.kind === "scalar" && there.value.value === null);
  const inner = isNothing ? emptyMap(entry) : there.value;
  if (inner.kind !== "map") return undefined;
  const value = withEntry(inner, rest.join("."), entry);
  return value && { ...map, entries: entries.set(key, { ...(there ?? entry), key, value }) };
}
