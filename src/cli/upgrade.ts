import { Command } from "commander";
import { CortexError } from "../core/errors.ts";
import { compareVersions, type DownloadProgress, parseVersion } from "../core/program-update.ts";
import type { App } from "./app.ts";
import { outputOption, withExamples } from "./flags.ts";
import { LiveArea } from "./render/live-area.ts";
import { jsonDocument } from "./render/show.ts";

export interface UpgradeFlags {
  readonly check?: true;
  readonly output: "pretty" | "json";
}

/** What the command did, or under `--check` would do. */
export interface Upgrade {
  readonly from: string;
  readonly to: string;
  readonly newest: string | undefined;
}

export function upgradeCommand(app: App, run: typeof runUpgrade = runUpgrade): Command {
  const command = new Command("upgrade")
    .description(
      "Replaces this program by its newest version, or by the one that is named. What was downloaded is compared with its " +
        "checksum and started once before it takes the place of the old one: in one step, on Windows in two, since a program that " +
        "runs can only be renamed there. Should the machine stop between these, rename cortex.exe.XXXXXXXX.old to cortex.exe.",
    )
    .argument("[version]", "version to have, e.g. 1.2.0; it may be an older one (default: the newest)")
    .option("--check", "say whether there is a newer version; change nothing")
    .addOption(outputOption("pretty", "json"))
    .action((version: string | undefined, flags: UpgradeFlags) => run(app, version, flags));
  return withExamples(command, [
    ["cortex upgrade", "to the newest version"],
    ["cortex upgrade --check", "is there a newer one?"],
    ["cortex upgrade 1.2.0", "to this version, be it newer or older"],
  ]);
}

async function runUpgrade(app: App, named: string | undefined, { check, output }: UpgradeFlags): Promise<void> {
  const updates = await app.updates();
  const from = updates.installed.version;
  // Before anything is asked of a network: what to run instead is known without.
  if (!check) await updates.checkReplaceable();
  const { newest, to } = await target(app, named, from);
  if (check || to === from) return report(app, { from, to, newest }, false, output);
  await using progress = downloadReporter(app, to);
  await updates.install(to, progress.show, app.signal);
  await progress[Symbol.asyncDispose]();
  await report(app, { from, to, newest }, true, output);
}

/** Without a name nothing older than `from` is meant, though a mirror may lag behind. */
async function target(app: App, named: string | undefined, from: string): Promise<Pick<Upgrade, "to" | "newest">> {
  if (named !== undefined) {
    const to = parseVersion(named);
    if (to !== undefined) return { to, newest: undefined };
    throw new CortexError("USAGE", `"${named}" is no version`, { hint: "write one such as 1.2.0" });
  }
  const newest = await (await app.updates()).newest(app.signal);
  return { newest, to: compareVersions(newest, from) > 0 ? newest : from };
}

async function report(app: App, { from, to, newest }: Upgrade, isDone: boolean, output: string): Promise<void> {
  const { stdout } = app.terminal;
  if (output === "json") {
    await stdout.write(
      jsonDocument({ version: isDone ? to : from, previous: from, wanted: to, newest: newest ?? null }),
    );
    return;
  }
  await stdout.write(`${sentence({ from, to, newest }, isDone)}\n`);
}

function sentence({ from, to, newest }: Upgrade, isDone: boolean): string {
  if (isDone) return `cortex ${to} is installed, in the place of ${from}`;
  if (to !== from) return `cortex ${to} can be installed, this is ${from}: \`cortex upgrade${newest ? "" : ` ${to}`}\``;
  if (newest === undefined || newest === from) return `this is cortex ${from}${newest ? ", the newest version" : ""}`;
  return `this is cortex ${from}; the newest release is ${newest}`;
}

const megabyte = 1_000_000;

/** On a terminal a line that is drawn again, else one line before the download. */
function downloadReporter(app: App, version: string) {
  const { stderr, isLive } = app.terminal;
  let last: DownloadProgress | undefined;
  const area = isLive ? new LiveArea(stderr, () => (last ? [progressLine(version, last)] : [])) : undefined;
  if (!area) void stderr.write(`downloading cortex ${version}\n`);
  return {
    show: (progress: DownloadProgress) => {
      last = progress;
    },
    [Symbol.asyncDispose]: async () => area?.[Symbol.asyncDispose](),
  };
}

/** @returns e.g. `downloading cortex 1.2.0: 12 of 48 MB (25%)` */
export function progressLine(version: string, { bytes, totalBytes }: DownloadProgress): string {
  const done = Math.floor(bytes / megabyte);
  const far = totalBytes
    ? `${done} of ${Math.ceil(totalBytes / megabyte)} MB (${Math.floor((bytes / totalBytes) * 100)}%)`
    : `${done} MB`;
  return `downloading cortex ${version}: ${far}`;
}
