import { Command, Option } from "commander";
import type { UninstallPlan } from "../../core/cluster.ts";
import { CortexError } from "../../core/errors.ts";
import type { App } from "../app.ts";
import { type EnvFlag, envOption, outputOption, parseDuration, withExamples } from "../flags.ts";
import { confirm } from "../prompt.ts";
import { addonReporter } from "../render/addon-reporter.ts";
import { jsonDocument } from "../render/show.ts";
import { sayWhenSlow } from "../say-when-slow.ts";

export interface UninstallFlags extends EnvFlag {
  readonly dryRun?: true;
  readonly timeout: number;
  readonly yes?: true;
  readonly output: "pretty" | "json";
}

export function uninstallCommand(app: App, run: typeof runUninstall = runUninstall): Command {
  const command = new Command("uninstall")
    .summary("remove what install brought")
    .description(
      "Removes what `cortex cluster install` made. What the cluster had before, and the APIs themselves, stay.",
    )
    .addOption(envOption())
    .option("--dry-run", "say what would go, and what uses it")
    .addOption(
      new Option("--timeout <duration>", "for how long to wait").argParser(parseDuration).default(600_000, "10m"),
    )
    .option("-y, --yes", "do not ask")
    .addOption(outputOption("pretty", "json"))
    .action((flags: UninstallFlags) => run(app, flags));
  return withExamples(command, [
    ["cortex cluster uninstall -e production", "says what uses it, then asks"],
    ["cortex cluster uninstall -e production --dry-run", "only says it"],
  ]);
}

async function runUninstall(app: App, flags: UninstallFlags): Promise<void> {
  const { stdout, stderr } = app.terminal;
  await using admin = await app.cluster(flags.env);
  const plan = await sayWhenSlow(app, "looking at the cluster", admin.planUninstall(app.signal));
  const isText = flags.output === "pretty";
  if (flags.dryRun) return stdout.write(isText ? planText(plan) : jsonDocument(planJson(plan)));
  if (plan.addons.length === 0) {
    if (isText) return stderr.write("nothing of Cortex's is installed in this cluster\n");
    return stdout.write(jsonDocument(planJson(plan)));
  }
  if (isText) await stderr.write(planText(plan));
  if (!flags.yes && !(await confirm(app, questionFor(plan, admin.context), "-y"))) {
    throw new CortexError("INTERRUPTED", "nothing was removed");
  }
  app.leftBehind = "a part is removed; run the same command again to go on";
  {
    await using reporter = addonReporter(app, !isText);
    await admin.uninstall(flags.timeout, (event) => reporter.event(event), app.signal);
  }
  app.leftBehind = undefined;
  await stdout.write(
    isText ? `removed ${plan.addons.map(({ name }) => name).join(", ")}\n` : jsonDocument(planJson(plan)),
  );
}

export function questionFor({ addons, apis, uses }: UninstallPlan, context: string): string {
  const what = addons.map(({ name }) => name).filter((name) => name !== "settings");
  const names = what.length > 0 ? what.join(", ") : "the settings of Cortex";
  const lost = uses.some(({ api }) => api === undefined)
    ? ", though others use it"
    : apis.length > 0
      ? ", though APIs use it"
      : "";
  return `remove ${names} from the cluster of context ${context}${lost}?`;
}

/** Lists are cut: a cluster may have thousands. */
const mostShown = 20;

export function planText({ addons, apis, uses }: UninstallPlan): string {
  const others = uses.filter(({ api }) => api === undefined);
  return [
    ...addons.map(({ name, objects }) => `${name}: ${objects} ${objects === 1 ? "object" : "objects"} of Cortex's\n`),
    ...(addons.length === 0 ? ["nothing of Cortex's is installed in this cluster\n"] : []),
    ...listText("APIs that go on running, without what routes and scales them", apis),
    ...listText(
      "not of Cortex's, and gone or without effect afterwards",
      others.map(({ object, addon }) => `${object} (${addon})`),
    ),
  ].join("");
}

function listText(what: string, all: readonly string[]): readonly string[] {
  if (all.length === 0) return [];
  const more = all.length > mostShown ? [`  … and ${all.length - mostShown} more\n`] : [];
  return [`${what} (${all.length}):\n`, ...all.slice(0, mostShown).map((one) => `  ${one}\n`), ...more];
}

function planJson({ addons, apis, uses }: UninstallPlan): unknown {
  return { addons, apis, uses };
}
