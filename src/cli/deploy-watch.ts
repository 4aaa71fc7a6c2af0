import { stat, watch } from "node:fs/promises";
import { dirname, resolve, sep } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type DeployPorts, plan } from "../core/deploy.ts";
import { CortexError } from "../core/errors.ts";
import type { App } from "./app.ts";
import { applyPlan, type DeployFlags, printWarnings } from "./deploy.ts";
import { errorText } from "./render/error-text.ts";
import { paletteFor } from "./render/paint.ts";

/** An editor writes several files, or one file several times, for one save; this long nothing more must come. */
const quietMs = 200;

/**
 * Deploys, then again after every save below the folder of `file`, until the signal aborts. What goes wrong is shown, and the next
 * save tried; a save during a rollout takes that rollout over.
 */
export async function watchAndDeploy(app: App, file: string, flags: DeployFlags, ports: DeployPorts): Promise<void> {
  const folder = await folderOf(resolve(app.workingFolder, file));
  const saves = savesBelow(folder, app.signal);
  await app.terminal.stderr.write(`watching ${folder}; Ctrl-C ends\n`);
  for (let round = 1, force = flags.force === true; ; round += 1) {
    const outdated = new AbortController();
    const signal = AbortSignal.any([app.signal, outdated.signal]);
    const saved = saves.next();
    const work = deployAgain(app, file, { ...flags, ...(force && { force: true as const }) }, ports, signal, round > 1);
    force = (await Promise.race([work.then(() => "done"), saved.then(() => "saved")])) === "saved";
    outdated.abort(new CortexError("INTERRUPTED", "a newer save takes over"));
    await work;
    await saved;
  }
}

async function deployAgain(
  app: App,
  file: string,
  flags: DeployFlags,
  ports: DeployPorts,
  signal: AbortSignal,
  isSilentWhenSame: boolean,
): Promise<void> {
  try {
    const planned = await plan(file, ports, signal);
    if (isSilentWhenSame && planned.changes.every(({ change }) => change === "unchanged")) return;
    await printWarnings(app, planned);
    await applyPlan(app, planned, flags, ports, signal);
  } catch (error) {
    app.signal.throwIfAborted();
    if (signal.aborted) return;
    if (!(error instanceof CortexError)) throw error;
    const { stderr } = app.terminal;
    const withStacks = app.variables.CORTEX_DEBUG === "1";
    await stderr.write(errorText(error, { palette: await paletteFor(stderr), columns: stderr.columns, withStacks }));
  } finally {
    app.leftBehind = "what is deployed stays deployed";
  }
}

async function folderOf(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (!found) {
    throw new CortexError("FILE_NOT_FOUND", `there is no file ${path}`, { hint: "name a configuration file" });
  }
  return found.isDirectory() ? path : dirname(path);
}

interface Saves {
  /** Resolves once something was saved since the last call, and then nothing for a moment; rejects when the signal aborts. */
  next(): Promise<void>;
}

function savesBelow(folder: string, signal: AbortSignal): Saves {
  let saved = Promise.withResolvers<void>();
  let savedAt = 0;
  const follow = async () => {
    for await (const _ of watch(folder, { recursive: true, signal, ignore: isNoSource })) {
      savedAt = performance.now();
      saved.resolve();
    }
  };
  follow().catch((error: unknown) => saved.reject(signal.aborted ? signal.reason : cannotWatch(folder, error)));
  return {
    async next() {
      await saved.promise;
      for (;;) {
        const missingMs = savedAt + quietMs - performance.now();
        if (missingMs <= 0) break;
        await sleep(missingMs, undefined, { signal });
      }
      saved = Promise.withResolvers();
    },
  };
}

function cannotWatch(folder: string, cause: unknown): CortexError {
  const { code = "", message } = cause as NodeJS.ErrnoException;
  return new CortexError("FAILED", `cannot watch ${folder}: ${message}`, {
    hint: code === "ENOSPC" ? "raise fs.inotify.max_user_watches" : "deploy without --watch",
    cause,
  });
}

/** Hidden files but `.env`, and what tools write beside the sources. */
function isNoSource(path: string): boolean {
  return path
    .split(sep)
    .some((part) => (part.startsWith(".") && part !== ".env") || part === "__pycache__" || part === "node_modules");
}
