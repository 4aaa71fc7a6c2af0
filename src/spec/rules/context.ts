import type { ApiValues } from "../definitions/api-fields.ts";
import type { Report } from "../report.ts";
import type { Loose } from "../shape/shape.ts";
import type { Legacy } from "../spellings/modernise.ts";
import { childPath, type Entry, type MapNode, type Node, type Place } from "../yaml/node.ts";

/** What stands at a path in the project; `true` for a file or folder, where which of the two is not known. */
export type Exists = (path: string) => boolean | "file" | "folder";

/** One API on its way through the rules that hold between fields. Fields with a problem of their own are undefined. */
export interface RuleContext {
  readonly values: Loose<ApiValues>;
  readonly legacy: Legacy;
  readonly report: Report;
  /** The value at a path such as `pod.containers[0].env`; where nothing is written, what would hold it. */
  at(path: string): Place;
  readonly exists: Exists | undefined;
}

/** Finds places in an API as it stands after old spellings were moved. */
export function placesOf(api: MapNode): (path: string) => Place {
  return (path) => {
    let place: Place = api;
    let node: Node = api;
    for (const step of path.match(/[^.[\]]+/g) ?? []) {
      const entry: Entry | undefined = node.kind === "map" ? node.entries.get(step) : undefined;
      const next: Node | undefined = entry?.value ?? (node.kind === "list" ? node.items[Number(step)] : undefined);
      if (next === undefined) return { ...place, path: writtenPath(place, path, step) };
      // A map or list begins below its key, and the key is what a reader looks for.
      place = entry && next.kind !== "scalar" ? entry : next;
      node = next;
    }
    return place;
  };
}

/** What is missing is named below the place as its author wrote it: `predictor.models`, not `handler.models`. */
function writtenPath(place: Place, path: string, step: string): string {
  return childPath(place.path, path.slice(path.indexOf(step)));
}

/** True when both are known and `a` is the greater one. */
export function exceeds(a: number | null | undefined, b: number | null | undefined): boolean {
  return typeof a === "number" && typeof b === "number" && a > b;
}
