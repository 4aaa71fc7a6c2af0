import type { Aws } from "./aws/aws.ts";
import type { App, CloudOptions } from "./cli/app.ts";
import { quickAnswer } from "./cli/quick-answers.ts";
import type { EksSettings, KubernetesEnvironment as KubernetesSettings } from "./cli/settings.ts";
import type { Check } from "./core/check.ts";
import type { CloudClusters, ClusterId } from "./core/cloud-cluster.ts";
import type { ClusterAdmin } from "./core/cluster.ts";
import type { Environment } from "./core/environment.ts";
import { CortexError, exitStatus } from "./core/errors.ts";
import type { ProgramUpdates } from "./core/program-update.ts";
import type { LogArchive } from "./environments/kubernetes/logs/log-archive.ts";
import type { ImageBuilder } from "./image/image.ts";
import type { KnownCluster } from "./kubernetes/connect.ts";
import type { KubeClient } from "./kubernetes/kube-client.ts";
import { cortexVersion, installation, isPackaged } from "./platform/installation.ts";

/**
 * The program: answers what needs no loading at once, joins the parts for all else, and turns Ctrl-C into an abort signal. The only
 * file that knows both the command line and the environments.
 */
async function main(args: readonly string[]): Promise<void> {
  const answer = await quickAnswer(args);
  if (answer !== undefined) return end(0, answer);
  if (args[0] === "__agent") {
    const { runAgent } = await import("./environments/local/agent/agent-main.ts");
    return runAgent(args.slice(1), installation());
  }
  if (args[0] === "__find-newest-version") return findNewestVersion();
  process.stdout.on("error", (error) => {
    outputError ??= error;
  });
  const app = await joinParts(args, interruptSignal());
  if (args[0] === "__complete") {
    const { completeWords } = await import("./cli/complete.ts");
    return end(0, await completeWords(app, args.slice(1)));
  }
  const { runCli } = await import("./cli/run.ts");
  return end(await runCli(app));
}

/** Why what was printed did not arrive, the first time that it did not: Node forgets it, so as to try again. */
let outputError: NodeJS.ErrnoException | undefined;

/** Ends at once, whatever is still open, but not before all output is written; a reader that went away is no error, a full disk is. */
async function end(status: number, output = ""): Promise<void> {
  outputError ??= await written(process.stdout, output);
  const isLost = outputError && outputError.code !== "EPIPE";
  await written(process.stderr, isLost ? `error: the output could not be written: ${outputError?.message}\n` : "");
  process.exit(status || (isLost ? 1 : 0));
}

/** @returns once `text` and all before it is written, why it could not be */
function written(stream: NodeJS.WriteStream, text: string): Promise<NodeJS.ErrnoException | undefined> {
  stream.on("error", () => {});
  return new Promise((resolve) => stream.write(text, (error) => resolve(error ?? undefined)));
}

/** The first Ctrl-C (or SIGTERM) asks whatever runs to stop; the second does not wait for it. */
function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  const interrupt = () => {
    if (controller.signal.aborted) {
      if (process.stderr.isTTY) process.stderr.write("\u001b[?25h");
      process.exit(130);
    }
    controller.abort(new CortexError("INTERRUPTED", "interrupted"));
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  return controller.signal;
}

async function joinParts(args: readonly string[], signal: AbortSignal): Promise<App> {
  const [{ processTerminal }, { settingsIn }, { cortexHome }] = await Promise.all([
    import("./cli/render/terminal.ts"),
    import("./cli/settings.ts"),
    import("./platform/home.ts"),
  ]);
  const variables = process.env;
  const home = cortexHome(variables);
  const settings = settingsIn(home);
  return {
    args,
    terminal: processTerminal(variables),
    variables,
    get workingFolder() {
      return currentFolder();
    },
    signal,
    settings,
    now: Date.now,
    exitStatus: 0,
    leftBehind: undefined,
    async environment(name) {
      const wanted = name ?? (variables.CORTEX_ENV || (await settings.read()).default_environment);
      if (wanted !== "local") {
        const { usableEnvironment } = await import("./cli/settings-changes.ts");
        const used = usableEnvironment(await settings.read(), wanted);
        const standing = variables.CORTEX_ENV || (await settings.read()).default_environment;
        if (used.kind === "kubernetes")
          return joinKubernetes(used, { home, variables, isDefault: wanted === standing });
      }
      const { localEnvironment } = await import("./environments/local/local-environment.ts");
      return localEnvironment({ home, installation: installation(), variables });
    },
    async cluster(name) {
      const wanted = name ?? (variables.CORTEX_ENV || (await settings.read()).default_environment);
      const { clusterEnvironment } = await import("./cli/settings-changes.ts");
      return joinCluster(clusterEnvironment(await settings.read(), wanted), variables, signal);
    },
    clouds: (options) => joinClouds({ home, variables, ...options }, signal),
    async cloudCluster(cluster) {
      return joinCluster(await cloudEnvironment(cluster, { home, variables }, signal), variables, signal);
    },
    async apisOf(cluster) {
      const used = await cloudEnvironment(cluster, { home, variables }, signal);
      const { namespacesWithApis } = await import("./environments/kubernetes/namespaces.ts");
      await using client = await connectTo(used, variables, signal);
      const namespaces = await namespacesWithApis(client, signal);
      const found = namespaces.map(async (namespace) => {
        const environment = await joinKubernetes({ ...used, namespace }, { home, variables });
        return (await environment.list(signal)).map((state) => ({ namespace, state }));
      });
      return (await Promise.all(found)).flat();
    },
    kubeconfigs: {
      async contexts(file) {
        const { readContexts } = await import("./kubernetes/probe.ts");
        return readContexts(file, variables);
      },
      async probe(cluster, probeSignal) {
        const { probe } = await import("./kubernetes/probe.ts");
        await using client = await connectTo(cluster, variables, probeSignal);
        return await probe(client, probeSignal);
      },
    },
    cloudPolicies: () => import("./cluster/policies.ts"),
    async files() {
      const [{ projectFiles }, { localFolders }] = await Promise.all([
        import("./project/project-files.ts"),
        import("./environments/local/local-folders.ts"),
      ]);
      return projectFiles({
        workingFolder: currentFolder(),
        variables,
        cacheFile: localFolders(home).projectCache,
        home,
      });
    },
    async identity() {
      const { hostname, userInfo } = await import("node:os");
      return `${userInfo().username}@${hostname()}`;
    },
    updates: () => joinUpdates(variables),
    newerVersion: isPackaged() ? () => newerVersion(home) : undefined,
    checkMachine: (checkSignal) => checkThisMachine(home, variables, checkSignal),
    async checkEnvironment(name, checkSignal) {
      const { usableEnvironment } = await import("./cli/settings-changes.ts");
      const used = usableEnvironment(await settings.read(), name);
      if (used.kind === "local") return checkThisMachine(home, variables, checkSignal);
      return checkKubernetes(used, variables, checkSignal);
    },
  };
}

interface JoinOptions {
  readonly home: string;
  readonly variables: App["variables"];
  /** Commands that name no environment mean it. */
  readonly isDefault?: boolean;
}

async function joinKubernetes(
  settings: KubernetesSettings,
  { home, variables, isDefault = false }: JoinOptions,
): Promise<Environment> {
  const { name, namespace, registry, gateway, prometheus, base_image: baseImage, eks } = settings;
  const { kubernetesEnvironment } = await import("./environments/kubernetes/kubernetes-environment.ts");
  // One for all APIs: those of a file share an image.
  let images: Promise<ImageBuilder> | undefined;
  return kubernetesEnvironment({
    name,
    isDefault,
    ...(namespace !== undefined && { namespace }),
    ...(registry !== undefined && { registry }),
    ...(gateway !== undefined && { gateway }),
    ...(prometheus !== undefined && { prometheus }),
    ...(baseImage !== undefined && { baseImage }),
    ...(eks !== undefined && { archive: (signal: AbortSignal) => openLogArchive(eks, variables, signal) }),
    version: cortexVersion(),
    now: Date.now,
    connect: (signal) => connectTo(settings, variables, signal),
    images: (signal) => (images ??= makeImageBuilder(home, registryVariables(settings, variables), signal)),
  });
}

async function makeImageBuilder(home: string, variables: App["variables"], signal: AbortSignal): Promise<ImageBuilder> {
  const { version, files } = installation();
  const [{ imageBuilder }, runtime] = await Promise.all([import("./image/image-builder.ts"), files(home, signal)]);
  return imageBuilder({ home, variables, installation: { version, ...runtime } });
}

async function joinUpdates(variables: App["variables"]): Promise<ProgramUpdates> {
  const { programUpdates } = await import("./upgrade/program-updates.ts");
  const { execPath: executable, platform, arch: architecture } = process;
  const running = { version: cortexVersion(), executable, isPackaged: isPackaged(), platform, architecture };
  return programUpdates({ running, variables });
}

/** Tells what was found earlier; what is to be found is found by a process of its own, for which nobody waits. */
async function newerVersion(home: string): Promise<string | undefined> {
  const { claimNotice } = await import("./upgrade/update-notice.ts");
  const { newer, asks } = await claimNotice(home, cortexVersion(), Date.now());
  if (asks) {
    const { spawn } = await import("node:child_process");
    const [executable, ...rest] = installation().program;
    const options = { cwd: home, detached: true, stdio: "ignore", windowsHide: true } as const;
    // Nobody minds when it cannot be started.
    spawn(executable, [...rest, "__find-newest-version"], options)
      .on("error", () => {})
      .unref();
  }
  return newer;
}

/** Asks for the newest version, and keeps it for a command to tell. Says nothing, whatever happens. */
async function findNewestVersion(): Promise<void> {
  const [{ keepNewest }, { cortexHome }] = await Promise.all([
    import("./upgrade/update-notice.ts"),
    import("./platform/home.ts"),
  ]);
  const home = cortexHome(process.env);
  try {
    const signal = AbortSignal.timeout(15_000);
    await keepNewest(home, await (await joinUpdates(process.env)).newest(signal), signal);
  } catch {
    // Another day.
  }
  return end(0);
}

async function checkThisMachine(
  home: string,
  variables: App["variables"],
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const { checkMachine } = await import("./environments/local/doctor.ts");
  return checkMachine({ home, variables }, signal);
}

async function checkKubernetes(
  settings: KubernetesSettings,
  variables: App["variables"],
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const { name, namespace, registry, gateway, prometheus, base_image: baseImage } = settings;
  const [{ checkCluster }, { defaultBaseImage }, { checkPush, resolveImage }] = await Promise.all([
    import("./environments/kubernetes/doctor/check-cluster.ts"),
    import("./environments/kubernetes/prepare-revision.ts"),
    import("./image/check-registry.ts"),
  ]);
  const options = {
    name,
    ...(namespace !== undefined && { namespace }),
    ...(registry !== undefined && { registry }),
    ...(gateway !== undefined && { gateway }),
    ...(prometheus !== undefined && { prometheus }),
    baseImage: baseImage ?? defaultBaseImage,
    now: Date.now,
    connect: (until: AbortSignal) => connectTo(settings, variables, until),
    checkPush: (repository: string, until: AbortSignal) =>
      checkPush(repository, registryVariables(settings, variables), until),
    resolveImage: (image: string, until: AbortSignal) =>
      resolveImage(image, registryVariables(settings, variables), until),
  };
  return checkCluster(options, signal);
}

async function joinCluster(
  settings: KubernetesSettings,
  variables: App["variables"],
  signal: AbortSignal,
): Promise<ClusterAdmin> {
  const [{ clusterAdmin }, client] = await Promise.all([
    import("./cluster/addons/cluster-admin.ts"),
    connectTo(settings, variables, signal),
  ]);
  return clusterAdmin({
    name: settings.name,
    namespace: settings.namespace ?? client.namespace,
    gateway: settings.gateway,
    prometheus: settings.prometheus,
    client,
    version: cortexVersion(),
    now: Date.now,
  });
}

async function connectTo(
  { context, kubeconfig, eks }: Pick<KubernetesSettings, "context" | "kubeconfig" | "eks">,
  variables: App["variables"],
  signal: AbortSignal,
): Promise<KubeClient> {
  const { connect } = await import("./kubernetes/connect.ts");
  return connect(
    {
      ...(context !== undefined && { context }),
      ...(eks !== undefined && { known: await eksCluster(eks, variables, signal) }),
      variables: kubeconfig === undefined ? variables : { ...variables, KUBECONFIG: kubeconfig },
    },
    signal,
  );
}

async function joinClouds(
  { home, variables, addonsDir }: CloudOptions & { readonly home: string; readonly variables: App["variables"] },
  signal: AbortSignal,
): Promise<CloudClusters> {
  const [{ cloudClusters }, { kubernetesInside }, { eksSettings }, aws] = await Promise.all([
    import("./cluster/cloud-clusters.ts"),
    import("./cluster/lifecycle/kubernetes-inside.ts"),
    import("./cli/cluster/eks-settings.ts"),
    // Each cluster says its own region; this one is for what belongs to no region.
    openAws({ region: variables.AWS_REGION || variables.AWS_DEFAULT_REGION || "us-east-1" }, variables, signal),
  ]);
  const profile = variables.AWS_PROFILE || undefined;
  const inside = kubernetesInside({
    clock: aws.clock,
    version: cortexVersion(),
    ...(addonsDir !== undefined && { addonsDir }),
    connect: (cluster, until) => connectTo({ eks: eksSettings(cluster, profile) }, variables, until),
  });
  return cloudClusters({ aws, home, inside });
}

/** @returns a cluster on AWS as an environment would name it */
async function cloudEnvironment(
  cluster: ClusterId,
  { home, variables }: { readonly home: string; readonly variables: App["variables"] },
  signal: AbortSignal,
): Promise<KubernetesSettings> {
  const { eksSettings } = await import("./cli/cluster/eks-settings.ts");
  await using clouds = await joinClouds({ home, variables }, signal);
  const reachable = await clouds.reach(cluster, signal);
  const eks = eksSettings(reachable, variables.AWS_PROFILE || undefined);
  return { name: cluster.name, kind: "kubernetes", registry: reachable.registry, eks };
}

/** The registry of a cluster on AWS gives its login to whom the cluster itself is used as. */
function registryVariables({ eks }: Pick<KubernetesSettings, "eks">, variables: App["variables"]): App["variables"] {
  if (eks?.profile === undefined) return variables;
  return { ...variables, AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined, AWS_PROFILE: eks.profile };
}

/** A cluster of `cluster up`: no kubeconfig is needed, and no program that gives out tokens. */
async function eksCluster(eks: EksSettings, variables: App["variables"], signal: AbortSignal): Promise<KnownCluster> {
  const { cluster, region, endpoint, certificate_authority: authority, profile } = eks;
  const [aws, { clusterTokens }] = await Promise.all([
    openAws({ region, ...(profile !== undefined && { profile }) }, variables, signal),
    import("./aws/cluster-tokens.ts"),
  ]);
  return {
    name: `${cluster} in ${region}`,
    server: endpoint,
    authorities: Buffer.from(authority, "base64").toString("utf8"),
    tokens: clusterTokens(aws, cluster),
    silenceHint:
      "the name of a new cluster takes some minutes to be known everywhere: run the same command again; " +
      "your address must be in operator_load_balancer_cidr_white_list, and an internal operator_load_balancer_scheme needs a VPN; " +
      `\`cortex cluster health -n ${cluster} -r ${region}\` shows whether it is there`,
    strangerHint: `whoever made the cluster can let you in: aws eks create-access-entry --cluster-name ${cluster} --region ${region} --principal-arn ARN, yours being what \`aws sts get-caller-identity\` prints`,
  };
}

/** What a cluster of `cluster up` keeps of replicas that are gone. */
async function openLogArchive(eks: EksSettings, variables: App["variables"], signal: AbortSignal): Promise<LogArchive> {
  const { cluster, region, profile } = eks;
  const [aws, { logArchive }, { containerLogGroup }] = await Promise.all([
    openAws({ region, ...(profile !== undefined && { profile }) }, variables, signal),
    import("./cluster/log-archive.ts"),
    import("./cluster/resources/names.ts"),
  ]);
  return logArchive(aws, containerLogGroup(cluster));
}

/** AWS as whoever this machine is to it; nothing is asked before the first call. */
async function openAws(
  place: { readonly region: string; readonly profile?: string },
  variables: App["variables"],
  signal: AbortSignal,
): Promise<Aws> {
  const [{ connectAws }, { systemClock }, { codeAsker }, { processTerminal }] = await Promise.all([
    import("./aws/connect-aws.ts"),
    import("./platform/system-clock.ts"),
    import("./cli/ask-code.ts"),
    import("./cli/render/terminal.ts"),
  ]);
  const askForCode = codeAsker(() => processTerminal(variables), signal);
  return connectAws({ ...place, variables, clock: systemClock, askForCode });
}

function currentFolder(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new CortexError("FILE_NOT_FOUND", "the current folder is gone", { hint: "change to another one", cause });
  }
}

main(process.argv.slice(2)).catch(async (error: unknown) => {
  // What fails before there is anything that could show it better; a bug of ours keeps its stack.
  if (!(error instanceof CortexError)) throw error;
  const hint = error.hint === undefined ? "" : `hint: ${error.hint}\n`;
  await written(process.stderr, `error: ${error.message}\n${hint}`);
  process.exit(exitStatus(error));
});
