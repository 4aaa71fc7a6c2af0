import { Command, Option } from "commander";
import {
  type AddonName,
  type AddonPlan,
  addonNames,
  type Installed,
  type InstallPlan,
  isNothingToDo,
} from "../../core/cluster.ts";
import { CortexError, errorToJson, exitStatus } from "../../core/errors.ts";
import type { App } from "../app.ts";
import { type EnvFlag, envOption, outputOption, parseDuration, withExamples } from "../flags.ts";
import { confirm } from "../prompt.ts";
import { addonReporter } from "../render/addon-reporter.ts";
import { errorText } from "../render/error-text.ts";
import { paletteFor } from "../render/paint.ts";
import { jsonDocument } from "../render/show.ts";
import { alignedTable, tabbedTable } from "../render/table.ts";
import { sayWhenSlow } from "../say-when-slow.ts";

export interface InstallFlags extends EnvFlag {
  readonly gateway?: string;
  readonly gatewayClass?: string;
  readonly certificate?: string;
  readonly addonsDir?: string;
  readonly skip: readonly AddonName[];
  readonly printRbac?: true;
  readonly dryRun?: true;
  readonly timeout: number;
  readonly yes?: true;
  readonly output: "pretty" | "json" | "yaml";
}

export function installCommand(app: App, run: typeof runInstall = runInstall): Command {
  const command = new Command("install")
    .summary("bring what APIs use and the cluster lacks")
    .description(
      "Brings what APIs use and the cluster lacks: the Gateway API, Envoy Gateway and a Gateway, KEDA, Prometheus, metrics-server. " +
        "What the cluster has already is used, never replaced.",
    )
    .addOption(envOption())
    .option("--gateway <namespace/name>", "use this Gateway, and make none")
    .option("--gateway-class <name>", "make a Gateway of this class, and install no Envoy Gateway")
    .option("--certificate <[namespace/]secret>", "Secret of type kubernetes.io/tls for an HTTPS listener")
    .option("--addons-dir <folder>", "take manifests from here, not from the internet")
    .addOption(
      new Option("--skip <addon>", "leave one out; may be repeated")
        .choices(addonNames)
        .argParser(addName)
        .default([], "none"),
    )
    .option("--print-rbac", "print the least rights for those who deploy, and for this command; do nothing")
    .option("--dry-run", "say what would be done; with -o yaml the objects")
    .addOption(
      new Option("--timeout <duration>", "for how long to wait").argParser(parseDuration).default(600_000, "10m"),
    )
    .option("-y, --yes", "do not ask")
    .addOption(outputOption("pretty", "json", "yaml"))
    .action((flags: InstallFlags) => run(app, flags));
  return withExamples(command, [
    ["cortex cluster install -e production", "bring what is missing"],
    ["cortex cluster install -e production --certificate models-tls", "with an HTTPS listener"],
    ["cortex cluster install -e production --gateway infra/public", "use a Gateway that is there"],
    ["cortex cluster install -e production --addons-dir ./addons -y", "in a closed network"],
    ["cortex cluster install --print-rbac", "the rights that are needed, as YAML"],
  ]);
}

function addName(text: string, before: readonly AddonName[]): readonly AddonName[] {
  if (addonNames.includes(text as AddonName)) return [...before, text as AddonName];
  throw new CortexError("USAGE", `--skip "${text}" is no add-on`, { hint: `there are: ${addonNames.join(", ")}` });
}

async function runInstall(app: App, flags: InstallFlags): Promise<void> {
  if (flags.printRbac) return printRights(app, flags);
  if (flags.output === "yaml" && !flags.dryRun) {
    throw new CortexError("USAGE", "-o yaml prints objects, so it needs --dry-run", {
      hint: "add --dry-run, or leave -o out",
    });
  }
  checkFlags(flags);
  await using admin = await app.cluster(flags.env);
  await using reporter = addonReporter(app, flags.output !== "pretty");
  const { gateway, gatewayClass, certificate, addonsDir, skip } = flags;
  const wishes = {
    skip,
    ...(gateway !== undefined && { gateway }),
    ...(gatewayClass !== undefined && { gatewayClass }),
    ...(certificate !== undefined && { certificate }),
    ...(addonsDir !== undefined && { addonsDir }),
  };
  const planning = admin.planInstall(wishes, (addon) => reporter.event({ addon, phase: "downloading" }), app.signal);
  const plan = await sayWhenSlow(app, "looking at the cluster", planning);
  await reporter.clear();
  if (flags.dryRun) return showPlan(app, plan, flags);
  if (isNothingToDo(plan)) {
    const installed = await admin.install(plan, flags.timeout, () => {}, app.signal);
    if (flags.output === "pretty") await app.terminal.stderr.write("nothing to do: all of it is there\n");
    return showResult(app, plan, installed, flags);
  }
  const question = questionFor(plan, admin.context);
  if (question && !flags.yes && !(await confirm(app, question, "-y"))) {
    throw new CortexError("INTERRUPTED", "nothing was installed");
  }
  app.leftBehind = "what is installed so far stays; run the same command again to go on";
  const installed = await admin.install(plan, flags.timeout, (event) => reporter.event(event), app.signal);
  app.leftBehind = undefined;
  await reporter.clear();
  await showResult(app, plan, installed, flags);
}

function checkFlags({ gateway, gatewayClass, certificate }: InstallFlags): void {
  if (gateway !== undefined && !/^[^/\s]+\/[^/\s]+$/.test(gateway)) {
    throw new CortexError("USAGE", `--gateway "${gateway}" is no NAMESPACE/NAME`, {
      hint: "e.g. --gateway infra/public",
    });
  }
  if (gateway !== undefined && gatewayClass !== undefined) {
    throw new CortexError("USAGE", "--gateway uses a Gateway, --gateway-class makes one", { hint: "give one of them" });
  }
  if (certificate !== undefined && !/^[^/\s]+(\/[^/\s]+)?$/.test(certificate)) {
    throw new CortexError("USAGE", `--certificate "${certificate}" is no [NAMESPACE/]SECRET`, {
      hint: "e.g. --certificate models-tls",
    });
  }
}

const written: readonly AddonPlan["action"][] = ["install", "complete", "update"];

/** @returns undefined when nothing is made that was not there before */
export function questionFor({ addons }: InstallPlan, context: string): string | undefined {
  const made = addons.filter(({ action }) => written.includes(action));
  if (made.length === 0) return undefined;
  const what = made.map(({ name, version, action }) =>
    action === "install" ? `${name} ${version}` : `${action} ${name}`,
  );
  return `install into the cluster of context ${context}: ${what.join(", ")}?`;
}

async function printRights(app: App, { env }: InstallFlags): Promise<void> {
  const [{ rightsText }, settings] = await Promise.all([import("../render/rights-text.ts"), app.settings.read()]);
  const name = env ?? (app.variables.CORTEX_ENV || settings.default_environment);
  const { environmentNamed } = await import("../settings-changes.ts");
  const environment = environmentNamed(settings, name);
  const namespace = environment.kind === "kubernetes" ? environment.namespace : undefined;
  await app.terminal.stdout.write(await rightsText(namespace ?? "default"));
}

const actionTexts: Readonly<Record<AddonPlan["action"], readonly [planned: string, done: string]>> = {
  install: ["install", "installed"],
  complete: ["complete", "completed"],
  update: ["update", "updated"],
  use: ["use what is there", "used as it was there"],
  keep: ["installed already", "installed already"],
  skip: ["leave out", "left out"],
  remove: ["take out", "taken out"],
};

function addonTable(
  addons: readonly AddonPlan[],
  isDone: boolean,
  failed: ReadonlySet<string>,
): readonly (readonly string[])[] {
  const rows = addons.map(({ name, version, where = "", action, notes }) => {
    const text = failed.has(name) ? "failed" : actionTexts[action][isDone ? 1 : 0];
    return [name, version, text, [where, ...notes].filter((part) => part !== "").join("; ")];
  });
  return [["addon", "version", isDone ? "result" : "plan", "note"], ...rows];
}

async function showPlan(app: App, plan: InstallPlan, { output }: InstallFlags): Promise<void> {
  const { stdout } = app.terminal;
  const objects = [...plan.before, ...plan.addons.flatMap((addon) => addon.objects), ...plan.after];
  if (output === "yaml") {
    const { stringify } = await import("yaml");
    return stdout.write(
      objects.map((object) => `---\n${stringify(object, { aliasDuplicateObjects: false })}`).join(""),
    );
  }
  if (output === "json") return stdout.write(jsonDocument(planJson(plan)));
  const table = addonTable(plan.addons, false, new Set());
  await stdout.write(stdout.isTerminal ? alignedTable(table) : tabbedTable(table));
}

function planJson(plan: InstallPlan): unknown {
  return {
    nothing_to_do: isNothingToDo(plan),
    addons: plan.addons.map(({ name, action, version, where, notes, objects }) => ({
      name,
      action,
      version,
      ...(where !== undefined && { where }),
      notes,
      objects: objects.length,
    })),
    settings: plan.settings,
  };
}

async function showResult(app: App, plan: InstallPlan, installed: Installed, { output }: InstallFlags): Promise<void> {
  const { stdout, stderr } = app.terminal;
  const { gateway, address, prometheus, failures } = installed;
  if (output === "json") {
    const result = {
      ...(planJson(plan) as object),
      ...(gateway !== undefined && { gateway }),
      ...(address !== undefined && { address }),
      ...(prometheus !== undefined && { prometheus }),
      failures: failures.map(({ addon, error }) => ({ addon, error: errorToJson(error) })),
    };
    await stdout.write(jsonDocument(result));
  } else {
    const table = addonTable(plan.addons, true, new Set(failures.map(({ addon }) => addon)));
    await stdout.write(stdout.isTerminal ? alignedTable(table) : tabbedTable(table));
    await stderr.write(addressText(installed));
  }
  const palette = await paletteFor(stderr);
  for (const { error } of failures) {
    app.exitStatus = exitStatus(error);
    await stderr.write(errorText(error, { palette, columns: stderr.columns, withStacks: false }));
  }
}

export function addressText({ gateway, address }: Installed): string {
  if (gateway === undefined)
    return "no gateway: `cortex predict` and `cortex port-forward` go through the API server\n";
  if (address !== undefined) return `APIs are reached through ${gateway} at ${address}\n`;
  return (
    `gateway ${gateway} has no address: nothing in this cluster gives one to Services of type LoadBalancer\n` +
    "`cortex predict` and `cortex port-forward` go through the API server and work without\n"
  );
}
