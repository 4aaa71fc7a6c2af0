import type { ReplicaPhase, RolloutEvent } from "../../core/environment.ts";
import { roughBytesText } from "./spec-json.ts";
import { durationText } from "./time.ts";
import { oneLine, padEnd } from "./width.ts";

interface ShownReplica {
  readonly id: string;
  readonly phase: ReplicaPhase;
  /** When this phase began, milliseconds since the epoch. */
  readonly since: number;
  readonly detail?: string;
}

interface ShownRollout {
  /** In the order in which they came. */
  readonly replicas: readonly ShownReplica[];
  /** What is done before there is a replica, such as "pushing image 40%". */
  readonly step?: string;
}

/** What is shown of the rollouts that are under way, by API. */
export type RolloutState = ReadonlyMap<string, ShownRollout>;

export const noRollouts: RolloutState = new Map();

/** @returns `state` after `event` of `api`; an API that is live, and a replica that stopped, is shown no longer */
export function afterEvent(state: RolloutState, api: string, event: RolloutEvent): RolloutState {
  if (event.type === "live") return without(state, api);
  const before = state.get(api) ?? { replicas: [] };
  return new Map(state).set(api, afterOne(before, event));
}

function afterOne(rollout: ShownRollout, event: RolloutEvent): ShownRollout {
  const { replicas } = rollout;
  if (event.type === "step") return { replicas, step: stepText(event) };
  if (event.type !== "replica") return rollout;
  const { replica: id, phase, at, detail } = event;
  if (phase === "stopped") return { replicas: replicas.filter((one) => one.id !== id) };
  const shown: ShownReplica = { id, phase, since: at, ...(detail !== undefined && { detail }) };
  const isKnown = replicas.some((one) => one.id === id);
  return { replicas: isKnown ? replicas.map((one) => (one.id === id ? shown : one)) : [...replicas, shown] };
}

function stepText({ step, doneBytes, totalBytes }: Extract<RolloutEvent, { type: "step" }>): string {
  if (doneBytes === undefined || !totalBytes) return step;
  return `${step} ${Math.floor((100 * doneBytes) / totalBytes)}% of ${roughBytesText(totalBytes)}`;
}

export function without(state: RolloutState, api: string): RolloutState {
  return new Map([...state].filter(([name]) => name !== api));
}

/** One line per replica: its name, what it is doing, for how long. */
export function rolloutLines(state: RolloutState, now: number): readonly string[] {
  const rows = [...state].flatMap(([api, { replicas, step }]) =>
    replicas.length === 0
      ? [{ name: api, phase: oneLine(step ?? "waiting"), time: "", detail: "" }]
      : replicas.map((replica) => ({
          name: replicaName(api, replica.id),
          phase: replica.phase,
          time: replica.phase === "ready" ? "" : durationText(now - replica.since),
          detail: oneLine(replica.detail ?? ""),
        })),
  );
  const nameWidth = Math.max(0, ...rows.map((row) => row.name.length));
  return rows.map(({ name, phase, time, detail }) =>
    `  ${padEnd(name, nameWidth)}  ${padEnd(phase, "preparing packages".length)}  ${padEnd(time, 5)}  ${detail}`.trimEnd(),
  );
}

/** The same, for a log that is only ever appended to; undefined for what is told elsewhere. */
export function plainLine(api: string, event: RolloutEvent): string | undefined {
  if (event.type === "notice") return `${api}: note: ${oneLine(event.message)}`;
  if (event.type === "step" && event.doneBytes === undefined) return `${api}: ${oneLine(event.step)}`;
  if (event.type !== "replica") return undefined;
  const detail = event.detail ? ` (${oneLine(event.detail)})` : "";
  return `${replicaName(api, event.replica)}: ${event.phase}${detail}`;
}

function replicaName(api: string, replica: string): string {
  return replica.startsWith(api) ? replica : `${api}/${replica}`;
}
