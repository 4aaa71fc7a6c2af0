import type { CloudPlan } from "../../core/cloud-cluster.ts";
import type { WalkEvent } from "../../core/graph/plan.ts";
import type { App } from "../app.ts";
import { LiveArea } from "./live-area.ts";
import { afterWalkEvent, plainWalkLine, type WalkState, walkLines } from "./walk-state.ts";

/** Shows what is being done with a cluster: on a terminal a line for each resource at work that is drawn again, else a line per event. */
export interface WalkReporter extends AsyncDisposable {
  event(event: WalkEvent): void;
  /** What was shown is taken away: a question or a result follows. */
  clear(): Promise<void>;
}

/** @param plan to tell how far it is, and how long it still takes */
export function walkReporter(app: App, isQuiet: boolean, plan?: Pick<CloudPlan, "changes">): WalkReporter {
  const { stderr, isLive } = app.terminal;
  let state: WalkState = { changes: plan?.changes ?? [], shown: [] };
  const area = isLive && !isQuiet ? new LiveArea(stderr, () => walkLines(state, app.now())) : undefined;
  const write = (text: string) => (area ? area.writeAbove(text) : stderr.write(text));
  return {
    event(event) {
      if (event.phase === "note") return isQuiet ? undefined : void write(`${event.detail ?? ""}\n`);
      const line = area || isQuiet ? undefined : plainWalkLine(state, event);
      state = afterWalkEvent(state, event, app.now());
      if (line !== undefined) void stderr.write(`${line}\n`);
    },
    async clear() {
      state = { ...state, shown: [] };
      await area?.redraw();
    },
    async [Symbol.asyncDispose]() {
      await area?.[Symbol.asyncDispose]();
    },
  };
}
