import type { RolloutEvent } from "../../core/environment.ts";
import type { App } from "../app.ts";
import { LiveArea } from "./live-area.ts";
import { afterEvent, noRollouts, plainLine, type RolloutState, rolloutLines, without } from "./rollout-state.ts";

/** Shows rollouts while they happen: on a terminal a line per replica that is drawn again, else a line per event. */
export interface RolloutReporter extends AsyncDisposable {
  event(api: string, event: RolloutEvent): Promise<void>;
  /** No more of `api` is to be shown. */
  end(api: string): Promise<void>;
  /** Writes a result to stdout without disturbing what is drawn. */
  result(text: string): Promise<void>;
  /** Writes to stderr in the same way. */
  note(text: string): Promise<void>;
}

export function rolloutReporter(app: App, isQuiet: boolean): RolloutReporter {
  if (isQuiet) return silentReporter(app);
  return app.terminal.isLive ? liveReporter(app) : plainReporter(app);
}

function liveReporter(app: App): RolloutReporter {
  const { stdout, stderr } = app.terminal;
  let state: RolloutState = noRollouts;
  const area = new LiveArea(stderr, () => rolloutLines(state, app.now()));
  return {
    async event(api, event) {
      state = afterEvent(state, api, event);
      if (event.type === "notice") await area.writeAbove(`${plainLine(api, event)}\n`);
      else await area.redraw();
    },
    async end(api) {
      state = without(state, api);
    },
    result: (text) => (stdout.isTerminal ? area.writeAbove(text, stdout) : stdout.write(text)),
    note: (text) => area.writeAbove(text),
    [Symbol.asyncDispose]: () => area[Symbol.asyncDispose](),
  };
}

function plainReporter(app: App): RolloutReporter {
  const { stdout, stderr } = app.terminal;
  return {
    async event(api, event) {
      const line = plainLine(api, event);
      if (line !== undefined) await stderr.write(`${line}\n`);
    },
    async end() {},
    result: (text) => stdout.write(text),
    note: (text) => stderr.write(text),
    async [Symbol.asyncDispose]() {},
  };
}

function silentReporter(app: App): RolloutReporter {
  return {
    async event() {},
    async end() {},
    result: (text) => app.terminal.stdout.write(text),
    note: (text) => app.terminal.stderr.write(text),
    async [Symbol.asyncDispose]() {},
  };
}
