import { resolve } from "node:path";
import { Command, Option } from "commander";
import { CortexError } from "../core/errors.ts";
import type { ClusterProbe } from "../core/kubeconfig.ts";
import { nearest } from "../spec/nearest.ts";
import type { App } from "./app.ts";
import { outputOption, withExamples } from "./flags.ts";
import { show, type View } from "./render/show.ts";
import type { EnvironmentSettings, KubernetesEnvironment, Settings } from "./settings.ts";
import { checkName, configured, removed, renamed, withDefault } from "./settings-changes.ts";

export interface ConfigureFlags {
  readonly context?: string;
  readonly kubeconfig?: string;
  readonly namespace?: string;
  readonly registry?: string;
  readonly gateway?: string;
  readonly prometheus?: string;
  readonly baseImage?: string;
  readonly operatorEndpoint?: string;
  readonly provider?: string;
  readonly awsAccessKeyId?: string;
  readonly awsSecretAccessKey?: string;
  readonly awsRegion?: string;
}

export function envCommand(app: App): Command {
  const command = new Command("env")
    .description("An environment is where APIs run: `local` is this machine, others are Kubernetes clusters.")
    .action(() => command.help());
  for (const make of [listCommand, configureCommand, defaultCommand, renameCommand, deleteCommand]) {
    command.addCommand(make(app));
  }
  return withExamples(command, [
    ["cortex env list", "the environments there are"],
    ["cortex env configure production --context my-cluster", "add a Kubernetes cluster"],
    ["cortex env default production", "use it when no -e is given"],
  ]);
}

function listCommand(app: App): Command {
  const command = new Command("list")
    .description("Lists the environments; the default one is marked.")
    .addOption(outputOption("pretty", "json", "yaml", "name"))
    .action(async ({ output }) => show(await app.settings.read(), settingsView, output, app.terminal));
  return withExamples(command, [["cortex env list", "the environments there are"]]);
}

function configureCommand(app: App): Command {
  const command = new Command("configure")
    .description("Adds a Kubernetes cluster as an environment, or changes what is known of it.")
    .argument("<name>", "name of the environment")
    .option("--context <name>", "context of the kubeconfig (default: its current one, by name)")
    .option("--kubeconfig <file>", "kubeconfig that has it (default: as kubectl finds it)")
    .option("--namespace <name>", "namespace for the APIs")
    .option("--registry <prefix>", "where images are pushed (default: what kind and minikube announce)")
    .option("--gateway <namespace/name>", "Gateway that APIs are reached through")
    .option("--prometheus <url>", "Prometheus to scale and measure by")
    .option("--base-image <image>", "image to build on")
    .addOption(new Option("-o, --operator-endpoint <url>").hideHelp())
    .addOption(new Option("-p, --provider <name>").hideHelp())
    .addOption(new Option("-k, --aws-access-key-id <id>").hideHelp())
    .addOption(new Option("-s, --aws-secret-access-key <key>").hideHelp())
    .addOption(new Option("-r, --aws-region <region>").hideHelp())
    .action((name: string, flags: ConfigureFlags) => configure(app, name, flags));
  return withExamples(command, [
    ["cortex env configure production --context my-cluster --registry registry.example.com/models", "add a cluster"],
    ["cortex env configure production --namespace models", "change one thing of it"],
  ]);
}

/** Flags that said how to reach an operator, up to Cortex 0.42. Their values may be secrets: none is repeated. */
const operatorFlags = [
  ["operatorEndpoint", "-o"],
  ["provider", "-p"],
  ["awsAccessKeyId", "-k"],
  ["awsSecretAccessKey", "-s"],
  ["awsRegion", "-r"],
] as const;

async function configure(app: App, name: string, flags: ConfigureFlags): Promise<void> {
  const [operatorFlag] = operatorFlags.filter(([key]) => flags[key] !== undefined);
  if (operatorFlag) {
    throw new CortexError("USAGE", `there are no operators any more, so ${operatorFlag[1]} has nothing to point at`, {
      hint: `name the cluster's kubeconfig context: cortex env configure ${name} --context CONTEXT`,
    });
  }
  checkName(name);
  checkFlags(flags);
  const before = (await app.settings.read()).environments.find((one) => one.name === name);
  const known = before?.kind === "kubernetes" ? before : undefined;
  const cluster = await clusterOf(app, known, flags);
  const probed = await probedCluster(app, cluster);
  const registry = flags.registry ?? (known?.registry === undefined ? probed?.registry : undefined);
  const { namespace, gateway, prometheus, baseImage } = flags;
  const changes: KubernetesEnvironment = {
    name,
    kind: "kubernetes",
    ...cluster,
    ...(namespace !== undefined && { namespace }),
    ...(registry !== undefined && { registry }),
    ...(gateway !== undefined && { gateway }),
    ...(prometheus !== undefined && { prometheus }),
    ...(baseImage !== undefined && { base_image: baseImage }),
  };
  await app.settings.update((settings) => configured(settings, changes), app.signal);
  await app.terminal.stdout.write(`configured ${name}\n`);
  if (registry !== flags.registry) {
    await app.terminal.stderr.write(`images go to ${registry}, which the cluster announces as its registry\n`);
  }
}

function checkFlags({ namespace, registry, gateway, prometheus }: ConfigureFlags): void {
  if (namespace !== undefined && !/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace)) {
    throw new CortexError("USAGE", `--namespace "${namespace}" cannot name a namespace`, {
      hint: "use lower-case letters, digits and hyphens, at most 63 of them",
    });
  }
  if (registry !== undefined && !/^[^\s/:]+(:\d+)?(\/[^\s/:]+)*\/?$/.test(registry)) {
    throw new CortexError("USAGE", `--registry "${registry}" is no HOST[:PORT]/PREFIX`, {
      hint: "without http:// and without a tag, e.g. --registry registry.example.com/models",
    });
  }
  if (gateway !== undefined && !/^[^/\s]+\/[^/\s]+$/.test(gateway)) {
    throw new CortexError("USAGE", `--gateway "${gateway}" is no NAMESPACE/NAME`, {
      hint: "e.g. --gateway infra/public",
    });
  }
  if (prometheus !== undefined && !/^https?:\/\//.test(prometheus)) {
    throw new CortexError("USAGE", `--prometheus "${prometheus}" is no URL`, {
      hint: "e.g. http://prometheus.infra:9090",
    });
  }
}

type ClusterSettings = Pick<KubernetesEnvironment, "context" | "kubeconfig" | "eks">;

/** The context is written down by name, so that `kubectl config use-context` does not lead an environment to another cluster. */
async function clusterOf(
  app: App,
  known: KubernetesEnvironment | undefined,
  { context, kubeconfig }: ConfigureFlags,
): Promise<ClusterSettings> {
  // It needs no kubeconfig, until one is named.
  if (known?.eks !== undefined && context === undefined && kubeconfig === undefined) return { eks: known.eks };
  const file = kubeconfig === undefined ? known?.kubeconfig : resolve(app.workingFolder, kubeconfig);
  const contexts = await app.kubeconfigs.contexts(file);
  if (kubeconfig !== undefined && contexts.files.length === 0) {
    throw new CortexError("FILE_NOT_FOUND", `there is no kubeconfig ${file}`, {
      hint: "name the file that kubectl uses",
    });
  }
  const wanted = context ?? (kubeconfig === undefined ? known?.context : undefined) ?? contexts.current;
  const inFile = file === undefined ? {} : { kubeconfig: file };
  if (wanted === undefined && contexts.isInPod) return inFile;
  if (contexts.names.length === 0 && contexts.files.length === 0) {
    throw new CortexError("FILE_NOT_FOUND", "there is no kubeconfig, so there is no cluster to name", {
      hint: "have kubectl reach the cluster first, set KUBECONFIG, or use --kubeconfig FILE",
    });
  }
  if (wanted === undefined) {
    throw new CortexError("FILE_NOT_FOUND", "the kubeconfig has no current context", {
      hint:
        contexts.names.length > 0
          ? `choose one with --context: ${contexts.names.join(", ")}`
          : "have kubectl reach the cluster first",
    });
  }
  if (contexts.names.includes(wanted)) return { ...inFile, context: wanted };
  const near = nearest(wanted, contexts.names);
  throw new CortexError("USAGE", `there is no context ${wanted} in ${contexts.files.join(", ")}`, {
    hint: near ? `did you mean ${near}?` : `there are: ${contexts.names.join(", ") || "none"}`,
  });
}

/** Somebody waits: a cluster that takes longer is taken to be out of reach for now. */
const probePatienceMs = 2_000;

/** Says which cluster it is. One that does not answer is a warning: it may be asleep, or behind a VPN that is off. */
async function probedCluster(app: App, cluster: ClusterSettings): Promise<ClusterProbe | undefined> {
  const { stderr } = app.terminal;
  const patience = AbortSignal.timeout(probePatienceMs);
  try {
    const probed = await app.kubeconfigs.probe(cluster, AbortSignal.any([app.signal, patience]));
    await stderr.write(`${placeOf(cluster)}: Kubernetes ${probed.version}\n`);
    return probed;
  } catch (error) {
    app.signal.throwIfAborted();
    if (!(error instanceof CortexError) && !patience.aborted) throw error;
    const why = patience.aborted ? `no answer within ${probePatienceMs / 1000} s` : (error as Error).message;
    await stderr.write(`warning: ${placeOf(cluster)}: ${why}\n`);
    return undefined;
  }
}

function placeOf({ context, eks }: ClusterSettings): string {
  if (eks !== undefined) return `cluster ${eks.cluster} in ${eks.region}`;
  return `context ${context ?? "of this pod"}`;
}

function defaultCommand(app: App): Command {
  const command = new Command("default")
    .description("Makes an environment the one that is used without -e; without a name prints which it is.")
    .argument("[name]", "name of an environment")
    .action((name: string | undefined) => setDefault(app, name));
  return withExamples(command, [
    ["cortex env default", "which is it?"],
    ["cortex env default local", "this machine"],
  ]);
}

async function setDefault(app: App, name: string | undefined): Promise<void> {
  if (name === undefined) {
    const { default_environment } = await app.settings.read();
    return app.terminal.stdout.write(`${default_environment}\n`);
  }
  await app.settings.update((settings) => withDefault(settings, name), app.signal);
  await app.terminal.stdout.write(`${name} is the default environment\n`);
}

function renameCommand(app: App): Command {
  const command = new Command("rename")
    .description("Gives an environment another name; nothing in it changes.")
    .argument("<old>", "its name")
    .argument("<new>", "its new name")
    .action(async (oldName: string, newName: string) => {
      checkName(newName);
      await app.settings.update((settings) => renamed(settings, oldName, newName), app.signal);
      await app.terminal.stdout.write(`renamed ${oldName} to ${newName}\n`);
    });
  return withExamples(command, [["cortex env rename prod production", "prod is production from now on"]]);
}

function deleteCommand(app: App): Command {
  const command = new Command("delete")
    .description("Forgets an environment. What is deployed in it stays.")
    .argument("<name>", "name of an environment")
    .action(async (name: string) => {
      await app.settings.update((settings) => removed(settings, name), app.signal);
      await app.terminal.stdout.write(`deleted ${name}; what is deployed in it stays\n`);
    });
  return withExamples(command, [["cortex env delete production", "forget it; its APIs stay"]]);
}

const settingsView: View<Settings> = {
  table: ({ default_environment, environments }) => [
    ["env", "kind", "default", "where", "namespace", "registry"],
    ...environments.map((one) => [
      one.name,
      one.kind,
      one.name === default_environment ? "yes" : "",
      whereText(one),
      (one.kind === "kubernetes" && one.namespace) || "",
      (one.kind === "kubernetes" && one.registry) || "",
    ]),
  ],
  json: ({ default_environment, environments }) => ({ default_environment, environments }),
  names: ({ environments }) => environments.map((one) => one.name),
};

function whereText(one: EnvironmentSettings): string {
  if (one.kind === "local") return "this machine";
  if (one.kind === "operator") return one.operator_endpoint ?? "a cluster of an older Cortex";
  if (one.eks) return `${one.eks.cluster} in ${one.eks.region}`;
  return one.context ?? "the current context";
}
