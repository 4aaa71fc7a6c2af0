import type { Report } from "../report.ts";
import type { Reading } from "../shape/shape.ts";
import { integer } from "../shape/values.ts";
import type { Entry, MapNode, Node } from "../yaml/node.ts";
import { findEntry, withEntry, withoutEntry } from "./edit.ts";
import { kindRenames, pythonModelsRename, queueNote, queueRename, type Rename, renames } from "./renames.ts";

/** What an older spelling says that has no key of its own now. */
export interface Legacy {
  /** Most requests in a replica, waiting ones included, as `max_replica_concurrency` said. */
  readonly inReplica: number | undefined;
  /** Where it says so. */
  readonly inReplicaEntry: Entry | undefined;
  /** True for files of releases before 0.36: there, 1024 requests fit into a replica unless they say otherwise. */
  readonly isBefore036: boolean;
}

/**
 * Moves what `api` says in an older spelling to where it stands now, with a warning for each; values keep their places.
 * A new key beside an old one that says the same thing is a problem.
 */
export function modernise(api: MapNode, reading: Reading): { readonly api: MapNode; readonly legacy: Legacy } {
  const { report } = reading;
  const isPredictor = api.entries.has("predictor");
  if (isPredictor && !api.entries.has("kind")) {
    report.warning(api, "kind", "has no kind, as in Cortex 0.14 to 0.18", "write kind: RealtimeAPI");
  }
  let current = renameKind(api, report);
  for (const rename of renames) current = applyRename(current, withModelsOf(typeOf(current), rename), report);
  if (typeOf(current) === "python") current = applyRename(current, pythonModelsRename, report);
  for (const key of [pythonModelsRename.from, pythonModelsRename.to]) current = renameModelPaths(current, key, report);
  const type = findEntry(current, "handler.type");
  const isTyped = type !== undefined && !api.entries.has("pod");
  if (isTyped && !isPredictor && type.value.kind === "scalar" && type.value.text === "python") {
    warnOld(
      report,
      type,
      (kindOf(current) ?? "RealtimeAPI") === "RealtimeAPI" ? `leave it out; ${queueNote}` : "leave it out",
      "0.34 to 0.35",
    );
  }
  const inReplicaEntry = findEntry(current, queueRename.from);
  const inReplica = inReplicaEntry && readInReplica(inReplicaEntry, current, reading);
  current = withoutEntry(current, queueRename.from);
  return { api: current, legacy: { inReplica, inReplicaEntry, isBefore036: isPredictor || isTyped } };
}

function applyRename(api: MapNode, { from, to, releases, kind, ifList, note }: Rename, report: Report): MapNode {
  const entry = findEntry(api, from);
  if (!entry || (kind !== undefined && kindOf(api) !== kind) || (ifList && entry.value.kind !== "list")) return api;
  const without = withoutEntry(api, from);
  if (to === undefined) {
    warnOld(report, entry, `remove it${note ? `: ${note}` : ""}`, releases, "is not used any more");
    return without;
  }
  const twin = findEntry(without, to);
  if (twin) {
    report.problem(entry, `is the older spelling of ${to}, which is set too`, `remove ${entry.path}`);
    return without;
  }
  const moved = withEntry(without, to, entry);
  if (!moved) return api;
  warnOld(report, entry, `write ${to}${note ? `; ${note}` : ""}`, releases);
  return moved;
}

function warnOld(report: Report, entry: Entry, hint: string, releases: string, what = "is an older spelling"): void {
  const subject = entry.path.replaceAll(/\[\d+\]/g, "");
  report.warning(entry, subject, `${what} (Cortex ${releases})`, hint);
}

function renameKind(api: MapNode, report: Report): MapNode {
  const entry = api.entries.get("kind");
  const kind = entry?.value.kind === "scalar" ? kindRenames.get(entry.value.text) : undefined;
  if (entry?.value.kind !== "scalar" || kind === undefined) return api;
  const { text } = entry.value;
  report.warning(entry, text, `${text} is an older name`, `write kind: ${kind}`);
  return withEntry(api, "kind", { ...entry, value: { ...entry.value, text: kind, value: kind } }) ?? api;
}

/** For Python, models stand under a key of their own. */
function withModelsOf(type: string | undefined, { to, ...rest }: Rename): Rename {
  const isMoved = type === "python" && to?.startsWith(`${pythonModelsRename.from}.`);
  return { ...rest, to: isMoved ? to?.replace(pythonModelsRename.from, pythonModelsRename.to) : to };
}

/** Each of the models' `paths` had `model_path` where it has `path` now. */
function renameModelPaths(api: MapNode, models: string, report: Report): MapNode {
  const paths = findEntry(api, `${models}.paths`);
  if (paths?.value.kind !== "list") return api;
  const items = paths.value.items.map((item): Node => {
    const entry = item.kind === "map" ? item.entries.get("model_path") : undefined;
    if (item.kind !== "map" || !entry || item.entries.has("path")) return item;
    warnOld(report, entry, `write ${models}.paths.path`, "0.18 to 0.22");
    return withEntry(withoutEntry(item, "model_path"), "path", entry) ?? item;
  });
  return withEntry(api, `${models}.paths`, { ...paths, value: { ...paths.value, items } }) ?? api;
}

function readInReplica(entry: Entry, api: MapNode, reading: Reading): number | undefined {
  for (const key of ["pod.max_concurrency", "pod.max_queue_length"]) {
    const twin = findEntry(api, key);
    if (!twin) continue;
    reading.report.problem(
      entry,
      `is the older spelling of ${queueRename.to}, and ${key} is set too`,
      `remove ${entry.path}`,
    );
    return undefined;
  }
  warnOld(
    reading.report,
    entry,
    "write pod.max_concurrency and pod.max_queue_length, which sum up to it",
    queueRename.releases,
  );
  return integer({ min: 1, max: 65_535 }).read(entry.value, reading);
}

/** What a file says of its handler's type; undefined when it says nothing. */
function typeOf(api: MapNode): string | undefined {
  const type = findEntry(api, "handler.type")?.value;
  return type?.kind === "scalar" ? type.text : undefined;
}

function kindOf(api: MapNode): string | undefined {
  const kind = api.entries.get("kind")?.value;
  return kind?.kind === "scalar" ? kind.text : undefined;
}
