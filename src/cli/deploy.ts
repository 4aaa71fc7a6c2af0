import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { Command, Option } from "commander";
import { type DeployPlan, type DeployPorts, deploy, plan } from "../core/deploy.ts";
import type { Environment } from "../core/environment.ts";
import { CortexError, exitStatus } from "../core/errors.ts";
import type { App } from "./app.ts";
import { type DeployOutcome, deployedJson, leftBehind, reportDeploy } from "./deploy-report.ts";
import { type EnvFlag, envOption, envText, outputOption, parseDuration, withExamples } from "./flags.ts";
import { confirm } from "./prompt.ts";
import { changesJson, changesText } from "./render/change-view.ts";
import { warningText } from "./render/error-text.ts";
import { paletteFor } from "./render/paint.ts";
import { jsonDocument, type OutputFormat } from "./render/show.ts";
import { sayWhenSlow } from "./say-when-slow.ts";

export interface DeployFlags extends EnvFlag {
  readonly force?: true;
  readonly yes?: true;
  readonly output: OutputFormat;
  readonly quiet?: true;
  readonly wait: boolean;
  /** Milliseconds. */
  readonly timeout: number;
  /** `client`: compared here; `server`: the cluster checks the objects as well. */
  readonly dryRun?: "client" | "server";
  readonly watch?: true;
}

export function deployCommand(app: App, run: typeof runDeploy = runDeploy): Command {
  const command = new Command("deploy")
    .description("Creates or updates the APIs of a configuration file, and waits until each is live or has failed.")
    .argument("[file]", "configuration file, or a folder that holds cortex.yaml", "cortex.yaml")
    .addOption(envOption())
    .option("-f, --force", "take over an update that is under way")
    .option("-y, --yes", "agree to every question")
    .addOption(outputOption("pretty", "json", "yaml"))
    .option("-q, --quiet", "print nothing but the URL of each API")
    .option("--no-wait", "return as soon as the update is accepted")
    .option("--timeout <duration>", "how long an API may take to become live, e.g. 15m", parseDuration, 15 * 60_000)
    .addOption(
      new Option("--dry-run [how]", "show what would change, and change nothing; with -o yaml the objects of a cluster")
        .choices(["client", "server"])
        .preset("client"),
    )
    .option("--watch", "deploy again whenever a file of the project is saved")
    .action((file: string, flags: DeployFlags) => run(app, file, flags));
  command.options.find((option) => option.long === "--timeout")?.default(15 * 60_000, "15m");
  return withExamples(command, [
    ["cortex deploy", "deploy ./cortex.yaml"],
    ["cortex deploy examples/iris", "deploy the cortex.yaml of a folder"],
    ["cortex deploy --watch", "and again on every saved file"],
    ["cortex deploy --dry-run", "only show what would change"],
    ["cortex deploy -e prod --dry-run=server -o yaml", "the objects that would be applied, checked by the cluster"],
    ["cortex deploy -q", "print the URL alone, for a script"],
  ]);
}

async function runDeploy(app: App, file: string, flags: DeployFlags): Promise<void> {
  refuseFileAfterForce(app, file);
  const environment = await app.environment(flags.env);
  const ports = await deployPorts(app, environment, flags.yes === true);
  if (!flags.watch) return deployOnce(app, file, flags, ports);
  const { watchAndDeploy } = await import("./deploy-watch.ts");
  await watchAndDeploy(app, file, flags, ports);
}

/** One round: plan, deploy, report. Sets the exit status when an API failed. */
export async function deployOnce(
  app: App,
  file: string,
  flags: DeployFlags,
  ports: DeployPorts,
  signal: AbortSignal = app.signal,
): Promise<void> {
  const planned = await sayWhenSlow(app, "reading the project", plan(file, ports, signal));
  await printWarnings(app, planned);
  if (flags.dryRun) return printDryRun(app, planned, flags, ports, signal);
  await applyPlan(app, planned, flags, ports, signal);
}

/** Deploys what was planned, and prints what came of it. */
export async function applyPlan(
  app: App,
  planned: DeployPlan,
  flags: DeployFlags,
  ports: DeployPorts,
  signal: AbortSignal,
): Promise<void> {
  const isText = flags.output === "pretty";
  const options = { force: flags.force === true, wait: flags.wait, timeoutMs: flags.timeout };
  const events = deploy(planned, options, ports, signal);
  const inEnv = envText(flags);
  const outcome = await reportDeploy(app, events, {
    isText: isText && !flags.quiet,
    progress: (names) => {
      app.leftBehind = leftBehind(names, inEnv);
    },
    states: () => ports.environment.list(signal),
    isWaiting: flags.wait,
    inEnv,
  });
  app.leftBehind = undefined;
  if (flags.quiet) await app.terminal.stdout.write(liveEndpoints(outcome));
  else if (!isText) await printDocument(app, deployedJson(outcome), flags.output);
  const failed = outcome.results.find((result) => result.error)?.error;
  if (failed) app.exitStatus = exitStatus(failed);
}

export async function deployPorts(app: App, environment: Environment, agreesToAll: boolean): Promise<DeployPorts> {
  const [files, identity] = await Promise.all([app.files(), app.identity()]);
  return {
    environment,
    files,
    identity,
    confirm: async (question) => agreesToAll || confirm(app, question, "-y"),
  };
}

export async function printWarnings(app: App, { warnings }: DeployPlan): Promise<void> {
  if (warnings.length === 0) return;
  const { stderr } = app.terminal;
  const options = { palette: await paletteFor(stderr), columns: stderr.columns, withStacks: false };
  for (const warning of warnings) await stderr.write(warningText(warning, options));
}

/** The objects, where APIs are made of objects and a format for them is asked for; else what would change. */
async function printDryRun(
  app: App,
  planned: DeployPlan,
  { dryRun, output }: DeployFlags,
  { environment, identity }: DeployPorts,
  signal: AbortSignal,
): Promise<void> {
  const isCheckedByServer = dryRun === "server";
  if (!environment.objects && isCheckedByServer) {
    throw new CortexError("NOT_SUPPORTED", `--dry-run=server asks a cluster, and ${environment.name} is none`, {
      hint: "use --dry-run",
    });
  }
  if (!environment.objects || (output !== "yaml" && !isCheckedByServer)) return printPlan(app, planned, output);
  const apis = planned.wanted.map(({ api }) => api);
  const working = environment.objects(apis, planned.project, { createdBy: identity, isCheckedByServer }, signal);
  const objects = await sayWhenSlow(app, "making the objects", working);
  if (output === "pretty") return printPlan(app, planned, output);
  if (output === "json")
    return app.terminal.stdout.write(jsonDocument({ apiVersion: "v1", kind: "List", items: objects }));
  const { stringify } = await import("yaml");
  const documents = objects.map((object) => stringify(object, { aliasDuplicateObjects: false, lineWidth: 0 }));
  await app.terminal.stdout.write(documents.join("---\n"));
}

async function printPlan(app: App, { changes }: DeployPlan, output: OutputFormat): Promise<void> {
  if (output === "pretty") return app.terminal.stdout.write(changesText(changes));
  await printDocument(app, changesJson(changes), output);
}

async function printDocument(app: App, value: unknown, output: OutputFormat): Promise<void> {
  const text = output === "yaml" ? (await import("yaml")).stringify(value) : jsonDocument(value);
  await app.terminal.stdout.write(text);
}

function liveEndpoints({ results }: DeployOutcome): string {
  return results
    .filter(({ error, state }) => !error && state)
    .map(({ state }) => `${state!.endpoint}\n`)
    .join("");
}

/** `-f` means a file to so many other programs that it is better to ask than to force. */
function refuseFileAfterForce(app: App, file: string): void {
  const after = app.args[app.args.indexOf("-f") + 1];
  if (!app.args.includes("-f") || after !== file || !existsSync(resolve(app.workingFolder, file))) return;
  throw new CortexError("USAGE", `-f means --force here, and "${file}" is a file`, {
    hint: `to deploy that file: cortex deploy ${file}   to force it as well: cortex deploy --force ${file}`,
  });
}
