import { criticalPath } from "../../core/graph/critical-path.ts";
import { type PlannedChange, realChanges, type WalkEvent } from "../../core/graph/plan.ts";
import { resourceName } from "../../core/graph/resource-name.ts";
import { elapsedText, roughDurationText } from "./time.ts";
import { oneLine, padEnd } from "./width.ts";

/** How far a plan is. */
export interface WalkState {
  /** Each after those that it needs; empty when it is not known what is planned. */
  readonly changes: readonly PlannedChange[];
  /** In the order in which they began. */
  readonly shown: readonly ShownResource[];
}

export interface ShownResource {
  readonly id: string;
  readonly title: string;
  readonly action: PlannedChange["action"];
  readonly phase: WalkEvent["phase"];
  readonly detail: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly endedAt?: number;
}

type Action = PlannedChange["action"];

const doing: Readonly<Record<Action, string>> = {
  create: "creating",
  update: "updating",
  replace: "replacing",
  settle: "waiting",
  keep: "checking",
  remove: "removing",
};

const done: Readonly<Record<Action, string>> = {
  create: "created",
  update: "updated",
  replace: "replaced",
  settle: "ready",
  keep: "ready",
  remove: "removed",
};

/** So many of the chain that still takes longest are named. */
const mostNamed = 2;
/** What takes less than this is not named among what still takes long. */
const shortMs = 5_000;
/** Off a terminal only what takes longer than this has a line when it begins. */
const longMs = 20_000;

/** @param now milliseconds since the epoch */
export function afterWalkEvent({ changes, shown }: WalkState, event: WalkEvent, now: number): WalkState {
  const { id, title, action, phase, detail = "" } = event;
  const before = shown.find((one) => one.id === id);
  const isOver = phase !== "running" && phase !== "waiting";
  const since = before?.since ?? now;
  const after: ShownResource = { id, title, action, phase, detail, since, ...(isOver && { endedAt: now }) };
  return { changes, shown: before ? shown.map((one) => (one === before ? after : one)) : [...shown, after] };
}

/** One line on how far it is, then one for each that is at work, and that failed. */
export function walkLines(state: WalkState, now: number): readonly string[] {
  if (state.shown.length === 0) return [];
  const inPhase = (wanted: WalkEvent["phase"]) => state.shown.filter(({ phase }) => phase === wanted);
  // What failed first: where there are too many lines, the last ones are only counted.
  const alive = [...inPhase("failed"), ...inPhase("running")];
  const width = Math.max(0, ...alive.map((one) => resourceName(one).length));
  return [progressText(state, now), ...alive.map((one) => resourceLine(one, width, now))];
}

/** For a log that is only ever appended to. @returns undefined when the event says nothing new there */
export function plainWalkLine(state: WalkState, event: WalkEvent): string | undefined {
  const { id, action, phase, detail, elapsedMs = 0 } = event;
  const name = resourceName(event);
  if (phase === "done") return `${name}: ${done[action]} (${elapsedText(elapsedMs)})`;
  if (phase === "failed" || phase === "blocked") return `${name}: ${phaseText(event)}${told(detail)}`;
  const isFirst = state.shown.every((one) => one.id !== id);
  const expectedMs = state.changes.find((change) => change.id === id)?.expectedMs ?? longMs;
  if (phase !== "running" || !isFirst || expectedMs < longMs) return undefined;
  return `${name}: ${doing[action]}${told(detail)}`;
}

function told(detail: string | undefined): string {
  return detail ? ` (${oneLine(detail)})` : "";
}

function resourceLine(one: ShownResource, width: number, now: number): string {
  const elapsed = elapsedText((one.endedAt ?? now) - one.since);
  const phase = padEnd(phaseText(one), "replacing".length);
  return `  ${padEnd(resourceName(one), width)}  ${phase}  ${padEnd(elapsed, 6)}  ${oneLine(one.detail)}`.trimEnd();
}

function phaseText({ phase, action }: Pick<ShownResource, "phase" | "action">): string {
  if (phase === "failed") return "failed";
  if (phase === "blocked") return "not begun";
  return doing[action];
}

/** `12 of 61 done, about 9 minutes left: control plane, node group cpu` */
function progressText({ changes, shown }: WalkState, now: number): string {
  const planned = realChanges(changes);
  const ended = shown.filter(({ phase }) => phase === "done").length;
  const total = Math.max(planned.length, shown.length);
  const left = criticalPath(changes, (change) => leftMs(change, shown, now));
  const count = `${ended} of ${total} done`;
  if (left.ids.length === 0) return count;
  const names = left.ids
    .flatMap((id) => changes.filter((change) => change.id === id))
    .filter((change) => leftMs(change, shown, now) >= shortMs)
    .map(resourceName);
  if (names.length === 0) return `${count}, ${roughDurationText(left.ms)} left`;
  const more = names.length > mostNamed ? ", …" : "";
  return `${count}, ${roughDurationText(left.ms)} left: ${names.slice(0, mostNamed).join(", ")}${more}`;
}

/** Of one that takes longer than it should, a little is still left. */
function leftMs({ id, expectedMs }: PlannedChange, shown: readonly ShownResource[], now: number): number {
  const one = shown.find((other) => other.id === id);
  if (!one) return expectedMs;
  return one.endedAt === undefined ? Math.max(expectedMs - (now - one.since), expectedMs / 20) : 0;
}
