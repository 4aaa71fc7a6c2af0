import type { AddonEvent, AddonPhase } from "../../core/cluster.ts";
import type { App } from "../app.ts";
import { LiveArea } from "./live-area.ts";
import { durationText } from "./time.ts";
import { oneLine, padEnd } from "./width.ts";

/** Shows what is being done with add-ons: on a terminal a line each that is drawn again, else a line per phase. */
export interface AddonReporter extends AsyncDisposable {
  event(event: AddonEvent): void;
  /** What was shown is taken away: a question or a result follows. */
  clear(): Promise<void>;
}

export interface ShownAddon {
  readonly addon: string;
  readonly phase: AddonPhase;
  readonly detail: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly endedAt?: number;
}

const finished: readonly AddonPhase[] = ["ready", "gone", "failed"];

export function addonReporter(app: App, isQuiet: boolean): AddonReporter {
  const { stderr, isLive } = app.terminal;
  let shown: readonly ShownAddon[] = [];
  const area = isLive && !isQuiet ? new LiveArea(stderr, () => addonLines(shown, app.now())) : undefined;
  return {
    event(event) {
      const isNew = shown.find(({ addon }) => addon === event.addon)?.phase !== event.phase;
      shown = afterAddonEvent(shown, event, app.now());
      if (!area && !isQuiet && isNew) void stderr.write(`${plainAddonLine(event)}\n`);
    },
    async clear() {
      shown = [];
      await area?.redraw();
    },
    async [Symbol.asyncDispose]() {
      await area?.[Symbol.asyncDispose]();
    },
  };
}

/** @param now milliseconds since the epoch */
export function afterAddonEvent(
  shown: readonly ShownAddon[],
  { addon, phase, detail = "" }: AddonEvent,
  now: number,
): readonly ShownAddon[] {
  const before = shown.find((one) => one.addon === addon);
  const after: ShownAddon = {
    addon,
    phase,
    detail,
    since: before?.since ?? now,
    ...(finished.includes(phase) && { endedAt: now }),
  };
  return before ? shown.map((one) => (one === before ? after : one)) : [...shown, after];
}

export function addonLines(shown: readonly ShownAddon[], now: number): readonly string[] {
  const width = Math.max(0, ...shown.map(({ addon }) => addon.length));
  return shown.map(({ addon, phase, detail, since, endedAt = now }) =>
    `  ${padEnd(addon, width)}  ${padEnd(phase, "downloading".length)}  ${padEnd(durationText(endedAt - since), 5)}  ${oneLine(detail)}`.trimEnd(),
  );
}

/** For a log that is only ever appended to. */
export function plainAddonLine({ addon, phase, detail }: AddonEvent): string {
  const told = phase === "failed" || phase === "waiting" ? undefined : detail;
  return `${addon}: ${phase}${told ? ` (${oneLine(told)})` : ""}`;
}
