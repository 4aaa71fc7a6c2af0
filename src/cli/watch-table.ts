import { apiNotFound } from "../core/api-not-found.ts";
import type { ApiState, Environment } from "../core/environment.ts";
import type { App } from "./app.ts";
import { apiJson } from "./render/api-json.ts";
import { apiTables } from "./render/api-views.ts";
import { jsonLine, type OutputFormat, tablesText } from "./render/show.ts";
import { alignedTable, type Table, tabbedTable } from "./render/table.ts";
import { dateText } from "./render/time.ts";

const clearScreen = "\u001b[H\u001b[2J\u001b[3J";
/** Ages are shown, so the table is drawn again though nothing changed. */
const redrawMs = 2_000;

/**
 * Shows the APIs, or the one called `name`, on every change until the signal aborts or stdout is closed: a terminal is redrawn, a
 * pipe gets the rows that changed, a program one JSON line per change.
 * @throws API_NOT_FOUND when `name` is not there at first
 */
export async function watchTable(
  app: App,
  environment: Environment,
  name: string | undefined,
  output: OutputFormat,
): Promise<void> {
  const { stdout } = app.terminal;
  const stop = new AbortController();
  const signal = AbortSignal.any([app.signal, stop.signal]);
  const print = printer(app, environment.name, output);
  let shown: readonly ApiState[] | undefined;
  const ticking = stdout.isTerminal && output !== "json";
  const timer = ticking ? setInterval(() => shown && void print(shown), redrawMs) : undefined;
  try {
    for await (const states of environment.watch(signal)) {
      const wanted = name === undefined ? states : states.filter((state) => state.name === name);
      if (!shown && name !== undefined && wanted.length === 0) throw apiNotFound(name, environment.name, states);
      shown = wanted;
      await print(wanted);
      if (stdout.isClosed) break;
    }
    app.signal.throwIfAborted();
  } finally {
    clearInterval(timer);
    stop.abort();
  }
}

type Printer = (states: readonly ApiState[]) => Promise<void>;

function printer(app: App, env: string, output: OutputFormat): Printer {
  const { stdout } = app.terminal;
  if (output === "json") return (states) => stdout.write(jsonLine(states.map((state) => apiJson(state))));
  const tablesOf = (states: readonly ApiState[]) => {
    const listed = states.map((state) => ({ env, state }));
    return apiTables(listed, app.now(), output === "wide");
  };
  return stdout.isTerminal ? screenPrinter(app, tablesOf) : changedRowsPrinter(app, tablesOf);
}

function screenPrinter(app: App, tablesOf: (states: readonly ApiState[]) => readonly Table[]): Printer {
  const title = `cortex ${app.args.join(" ")}`;
  return (states) => {
    const body = states.length === 0 ? "no apis are deployed\n" : tablesText(tablesOf(states), alignedTable);
    return app.terminal.stdout.write(`${clearScreen}$ ${title}   ${dateText(app.now())}\n\n${body}`);
  };
}

function changedRowsPrinter(app: App, tablesOf: (states: readonly ApiState[]) => readonly Table[]): Printer {
  const printed = new Map<string, string>();
  let shownHeader: string | undefined;
  return async (states) => {
    for (const [header = [], ...rows] of tablesOf(states)) {
      // The age of an update changes by itself, so it is left out when two rows are compared.
      const comparable = (row: readonly string[]) =>
        row.filter((_, column) => header[column] !== "last update").join("\t");
      const changed = rows.filter((row) => printed.get(row[1]!) !== comparable(row));
      for (const row of changed) printed.set(row[1]!, comparable(row));
      if (changed.length === 0) continue;
      const isUnderIt = shownHeader === header.join();
      shownHeader = header.join();
      await app.terminal.stdout.write(tabbedTable(isUnderIt ? changed : [header, ...changed]));
    }
  };
}
