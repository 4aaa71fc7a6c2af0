import type { AddonName, AddonPlan, CloudSettings, InstallOptions, InstallPlan } from "../../core/cluster.ts";
import { CortexError, type Problem } from "../../core/errors.ts";
import type { KubeClient } from "../../kubernetes/kube-client.ts";
import { label } from "../../kubernetes/labels.ts";
import { type KubeObject, resource } from "../../kubernetes/objects.ts";
import { loadBalancerStays } from "./cloud/load-balancer.ts";
import { type Decision, type Decisions, decide, decisionNames, prometheusUrl } from "./decide.ts";
import { type ClusterFacts, conditionOf, type Gateway, isAvailable, isOurs, readFacts } from "./facts.ts";
import { oursOf } from "./found.ts";
import { certificateProblems, classProblems, gatewayNamed, gatewayProblems, type TlsSecret } from "./gateway-checks.ts";
import { envoyController, gatewayObjects, ourGateway, type SecretName, secretName } from "./gateway-objects.ts";
import { kindOf } from "./kinds.ts";
import {
  appliedAnnotation,
  labelled,
  objectKey,
  objectText,
  ownKinds,
  parseManifest,
  releaseObjects,
  sha256,
} from "./manifest.ts";
import { planCloud } from "./plan-cloud.ts";
import { ourPrometheusUrl, prometheusObjects } from "./prometheus.ts";
import { releases } from "./releases.ts";
import { cloudSettings, namespaceObject, readerObjects } from "./settings-objects.ts";
import { downloadRelease, type Fetched, readAddon } from "./sources.ts";

export interface InstallPorts {
  readonly client: KubeClient;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Told when a manifest is fetched. */
  readonly onDownload: (addon: AddonName) => void;
}

/** One round of reads, then whatever manifests are missing, then a look at what stands where they would go. @throws NOT_SUPPORTED, SPEC_INVALID */
export async function planInstall(
  options: InstallOptions,
  ports: InstallPorts,
  signal: AbortSignal,
): Promise<InstallPlan> {
  const certificate = options.certificate === undefined ? undefined : secretName(options.certificate);
  const [facts, secret, files] = await Promise.all([
    readFacts(ports.client, signal),
    certificate && ports.client.get<TlsSecret>(resource.secret, certificate.namespace, certificate.name, signal),
    filesOf(options.addonsDir),
  ]);
  const cloud = options.cloud ?? cloudSettings(facts.settings);
  const decisions = decide(facts, options, digestsOf(files));
  refuse([
    ...decisions.problems,
    ...(certificate ? await certificateProblems(certificate, secret, ports.now()) : []),
    ...gatewayChoiceProblems(options, decisions, facts),
    ...(cloud && certificate ? endedTwice(cloud) : []),
    ...(cloud ? changedBalancer(cloud, facts) : []),
    ...missingFiles(options, decisions, files),
  ]);
  const releasePlans = await Promise.all(
    decisions.addons.map((one) => planAddon(one, facts, options, files, ports, signal)),
  );
  const gateway = planGateway(options, decisions, facts, certificate, cloud);
  const plans = [...releasePlans, ...(gateway ? [gateway.plan] : []), ...planCloud(cloud, options.skip, facts)];
  const before = missingOf(labelled([namespaceObject()], "settings"), facts);
  const after = missingOf(labelled(readerObjects(), "settings"), facts);
  const all = [...before, ...plans.flatMap(({ objects }) => objects), ...after] as readonly KubeObject[];
  const taken = await takenBy(all, facts, ports.client, signal);
  refuse(collisions(taken));
  const isLeft = (object: unknown) => !taken.some((one) => one.wanted === object);
  const ownPrometheus = urlOfOwn([...facts.ours, ...all]);
  const settings = {
    ...settingsOf(options, decisions, facts, gateway?.controller, ownPrometheus),
    ...cloudText(options, facts),
  };
  return {
    addons: plans.map((plan) => ({
      ...plan,
      objects: plan.objects.filter(isLeft),
      notes: [...plan.notes, ...namespaceNotes(plan, taken)],
    })),
    before: before.filter(isLeft),
    after: after.filter(isLeft),
    settings,
    isWrittenDown: isWrittenDown(settings, facts),
    ...(settings.gateway !== undefined && { gateway: settings.gateway }),
  };
}

type Files = Readonly<Partial<Record<Decision["name"], Fetched>>>;

async function filesOf(folder: string | undefined): Promise<Files | undefined> {
  if (folder === undefined) return undefined;
  const found = await Promise.all(decisionNames.map(async (name) => [name, await readAddon(folder, name)] as const));
  const there = found.filter(([, file]) => file !== undefined);
  if (there.length > 0) return Object.fromEntries(there);
  throw new CortexError("FILE_NOT_FOUND", `${folder} holds no manifest of an add-on`, {
    hint: `it should have: ${decisionNames.map((name) => `${name}.yaml`).join(", ")}`,
  });
}

function digestsOf(files: Files | undefined): Readonly<Record<string, string>> {
  const digests = Object.entries(files ?? {}).map(([name, file]) => [name, file.sha256] as const);
  return { prometheus: sha256(JSON.stringify(prometheusObjects())), ...Object.fromEntries(digests) };
}

function refuse(problems: readonly Problem[]): void {
  const [first] = problems;
  if (!first) return;
  const message = problems.length === 1 ? first.message : `${problems.length} reasons why nothing was installed`;
  throw new CortexError("NOT_SUPPORTED", message, {
    problems,
    ...(problems.length === 1 && first.hint && { hint: first.hint }),
  });
}

function missingFiles(
  { addonsDir }: InstallOptions,
  { addons }: Decisions,
  files: Files | undefined,
): readonly Problem[] {
  if (!files) return [];
  return addons.flatMap(({ name, action }) => {
    if (!isWritten(action) || files[name] || name === "prometheus" || name === "metrics-server") return [];
    return [{ message: `${addonsDir} has no ${name}.yaml`, hint: `download it there from ${releases[name].url}` }];
  });
}

const isWritten = (action: AddonPlan["action"]) => action === "install" || action === "complete" || action === "update";

async function planAddon(
  decision: Decision,
  facts: ClusterFacts,
  options: InstallOptions,
  files: Files | undefined,
  ports: InstallPorts,
  signal: AbortSignal,
): Promise<AddonPlan> {
  const { name } = decision;
  if (!isWritten(decision.action)) return { ...decision, objects: [] };
  if (files && name === "metrics-server" && !files[name]) {
    return {
      ...decision,
      action: "skip",
      isAwaited: false,
      notes: [`${options.addonsDir} has no metrics-server.yaml`],
      objects: [],
    };
  }
  const { objects, source, notes } = await wantedObjects(name, facts, files, ports, signal);
  const wanted = labelled(objects, name);
  const missing = [...new Set([...missingOf(wanted, facts), ...illOf(wanted, facts)])];
  return {
    ...decision,
    notes: [...decision.notes, ...notes],
    objects: missing,
    surplus: surplusOf(wanted, name, facts),
    release: { version: decision.version, objects: wanted.filter((one) => !isJob(one)).length, source },
  };
}

const isJob = ({ kind }: KubeObject) => kind === "Job";
async function wantedObjects(
  name: Decision["name"],
  facts: ClusterFacts,
  files: Files | undefined,
  ports: InstallPorts,
  signal: AbortSignal,
): Promise<{ readonly objects: readonly KubeObject[]; readonly source: string; readonly notes: readonly string[] }> {
  const file = files?.[name];
  if (name === "prometheus") {
    if (file)
      return {
        objects: ownKinds(await parseManifest(file.text, file.source), file.source),
        source: file.sha256,
        notes: [],
      };
    return { objects: prometheusObjects(), source: sha256(JSON.stringify(prometheusObjects())), notes: [] };
  }
  if (!file) ports.onDownload(name);
  const fetched = file ?? (await downloadRelease(releases[name], signal));
  const objects = releaseObjects(await parseManifest(fetched.text, fetched.source), releases[name], fetched.source);
  const isSelfSigned = name === "metrics-server" && hasSelfSignedKubelets(facts);
  return {
    objects: isSelfSigned ? objects.map(trustingKubelets) : objects,
    source: fetched.sha256,
    notes: isSelfSigned ? ["it trusts the kubelets' own certificates, as kind and minikube need"] : [],
  };
}

/** In kind and minikube nobody has signed the kubelets' certificates. */
function hasSelfSignedKubelets({ nodes }: ClusterFacts): boolean {
  return nodes.some(({ metadata, spec }) => {
    return spec?.providerID?.startsWith("kind://") || metadata.labels?.["minikube.k8s.io/name"] !== undefined;
  });
}

interface PodTemplate {
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: readonly { readonly args?: readonly string[] }[] } };
  };
}

function trustingKubelets(object: KubeObject): KubeObject {
  if (object.kind !== "Deployment") return object;
  const { spec } = object as KubeObject & PodTemplate;
  const containers = spec.template.spec.containers.map((one) => ({
    ...one,
    args: [...(one.args ?? []), "--kubelet-insecure-tls"],
  }));
  return {
    ...object,
    spec: { ...spec, template: { ...spec.template, spec: { ...spec.template.spec, containers } } },
  } as KubeObject;
}

/** Those that are not in the cluster as they were applied last. */
function missingOf(wanted: readonly KubeObject[], facts: ClusterFacts): readonly KubeObject[] {
  const applied = new Map(facts.ours.map((one) => [objectKey(one), one.metadata.annotations?.[appliedAnnotation]]));
  return wanted.filter((one) => applied.get(objectKey(one)) !== one.metadata.annotations?.[appliedAnnotation]);
}

/** Programs that do not run, though they are as they were applied: somebody may have changed what the hash does not tell. */
function illOf(wanted: readonly KubeObject[], facts: ClusterFacts): readonly KubeObject[] {
  const ill = new Set(facts.workloads.filter((one) => isOurs(one) && !isAvailable(one)).map(objectKey));
  return wanted.filter((one) => ill.has(objectKey(one)));
}

/** Definitions stay: with one, all objects of its kind would go. */
function surplusOf(wanted: readonly KubeObject[], name: AddonName, facts: ClusterFacts): readonly KubeObject[] {
  const keys = new Set(wanted.map(objectKey));
  const kept = ["CustomResourceDefinition", "Namespace"];
  return oursOf(facts, name).filter((one) => !keys.has(objectKey(one)) && !kept.includes(one.kind));
}

interface Taken {
  readonly wanted: KubeObject;
}

/** Objects of somebody else that stand where ours would go. */
async function takenBy(
  wanted: readonly KubeObject[],
  facts: ClusterFacts,
  client: KubeClient,
  signal: AbortSignal,
): Promise<readonly Taken[]> {
  const known = new Set(facts.ours.map(objectKey));
  const isNamespace = (name: string) => facts.namespaces.some(({ metadata }) => metadata.name === name);
  const unknown = wanted.filter((one) => {
    const { namespace } = one.metadata;
    return !known.has(objectKey(one)) && (namespace === undefined || isNamespace(namespace));
  });
  const found = await Promise.all(
    unknown.map(async (one) => {
      const { namespace, name } = one.metadata;
      const there = await client.get<KubeObject>(kindOf(one)!, namespace, name, signal);
      return there && !isOurs(there) ? [{ wanted: one }] : [];
    }),
  );
  return found.flat();
}

function collisions(taken: readonly Taken[]): readonly Problem[] {
  return taken
    .filter(({ wanted }) => wanted.kind !== "Namespace")
    .map(({ wanted }) => ({
      message: `${objectText(wanted)} is in the cluster already, and is not Cortex's`,
      hint: "remove it, or leave out what needs it with --skip",
    }));
}

function namespaceNotes(plan: AddonPlan, taken: readonly Taken[]): readonly string[] {
  const names = taken.filter(({ wanted }) => plan.objects.includes(wanted)).map(({ wanted }) => wanted.metadata.name);
  return names.map((name) => `namespace ${name} was there before, and stays`);
}

function gatewayChoiceProblems(
  options: InstallOptions,
  { gateway }: Decisions,
  facts: ClusterFacts,
): readonly Problem[] {
  if (options.skip.includes("gateway")) return [];
  if (gateway !== undefined) {
    const certificate = options.certificate === undefined ? [] : [certificateElsewhere(gateway)];
    return [...gatewayProblems(gateway, options.namespace, facts), ...certificate];
  }
  return options.gatewayClass === undefined ? [] : classProblems(options.gatewayClass, facts);
}

function certificateElsewhere(gateway: string): Problem {
  return {
    message: `Gateway ${gateway} is not Cortex's, so --certificate cannot be put into it`,
    hint: "add an HTTPS listener to it yourself, or leave --gateway out",
  };
}

/** As long as it has no address nobody is led to it, and it may become anything. */
function changedBalancer(wanted: CloudSettings, facts: ClusterFacts): readonly Problem[] {
  const before = cloudSettings(facts.settings);
  const gateway = gatewayNamed(facts, `${ourGateway.namespace}/${ourGateway.name}`);
  const hasAddress = (gateway?.status?.addresses ?? []).length > 0;
  return before && hasAddress ? loadBalancerStays(before, wanted) : [];
}

function endedTwice({ loadBalancer }: CloudSettings): readonly Problem[] {
  if (loadBalancer.certificateArn === undefined) return [];
  return [
    {
      message: `the load balancer ends TLS with ${loadBalancer.certificateArn}, so the Gateway cannot, too`,
      hint: "leave --certificate out, or take ssl_certificate_arn out of cluster.yaml: cortex cluster configure",
    },
  ];
}

function planGateway(
  options: InstallOptions,
  decisions: Decisions,
  facts: ClusterFacts,
  certificate: SecretName | undefined,
  cloud: CloudSettings | undefined,
): { readonly plan: AddonPlan; readonly controller: string | undefined } | undefined {
  if (options.skip.includes("gateway")) return undefined;
  const controllerOf = (className: string) =>
    facts.gatewayClasses.find(({ metadata }) => metadata.name === className)?.spec.controllerName;
  if (decisions.gateway !== undefined) {
    const { gatewayClassName } = gatewayNamed(facts, decisions.gateway)!.spec;
    const plan: AddonPlan = {
      name: "gateway",
      action: "use",
      version: gatewayClassName,
      where: decisions.gateway,
      notes: [],
      objects: [],
      isAwaited: false,
    };
    return { plan, controller: controllerOf(gatewayClassName) };
  }
  const name = `${ourGateway.namespace}/${ourGateway.name}`;
  const before = gatewayNamed(facts, name);
  const gatewayClass = options.gatewayClass ?? otherClassOf(before);
  const controller =
    facts.gatewayClasses.find(({ spec }) => spec.controllerName.startsWith("gateway.envoyproxy.io/"))?.spec
      .controllerName ?? envoyController;
  const nodes = facts.nodes.filter(({ spec }) => spec?.unschedulable !== true).length;
  const wanted = labelled(
    gatewayObjects({
      gatewayClass,
      controller,
      // In a cloud there are more nodes when they are needed, and each may be taken away.
      proxies: nodes > 1 || cloud ? 2 : 1,
      cloud,
      certificate:
        certificate ?? (cloud?.loadBalancer.certificateArn === undefined ? certificateOf(before) : undefined),
    }),
    "gateway",
  );
  const objects = missingOf(wanted, facts);
  const isThere = oursOf(facts, "gateway").length > 0;
  const plan: AddonPlan = {
    name: "gateway",
    action: objects.length === 0 ? "keep" : isThere ? "update" : "install",
    version: gatewayClass ?? ourGateway.name,
    where: name,
    notes: [],
    objects,
    isAwaited: objects.length > 0 || !before || !isServing(before),
  };
  return { plan, controller: gatewayClass === undefined ? controller : controllerOf(gatewayClass) };
}

/** A Gateway that lacks nothing but an address can be reached through the API server. */
export function isServing(gateway: Gateway): boolean {
  const programmed = conditionOf(gateway, "Programmed");
  const isSeen =
    programmed?.observedGeneration === undefined || programmed.observedGeneration === gateway.metadata.generation;
  return isSeen && (programmed?.status === "True" || programmed?.reason === "AddressNotAssigned");
}

/** What an earlier run was told stays until another is named. */
function otherClassOf(before: Gateway | undefined): string | undefined {
  const name = before?.spec.gatewayClassName;
  return name === ourGateway.name ? undefined : name;
}

function certificateOf(before: Gateway | undefined): SecretName | undefined {
  const reference = before?.spec.listeners.find(({ name }) => name === "https")?.tls?.certificateRefs?.[0];
  return reference && { namespace: reference.namespace ?? ourGateway.namespace, name: reference.name };
}

function settingsOf(
  options: InstallOptions,
  decisions: Decisions,
  facts: ClusterFacts,
  controller: string | undefined,
  ownPrometheus: string,
): InstallPlan["settings"] & { gateway?: string } {
  const skipsGateway = options.skip.includes("gateway");
  const gateway = skipsGateway
    ? facts.settings?.gateway
    : (decisions.gateway ?? `${ourGateway.namespace}/${ourGateway.name}`);
  const gatewayController = skipsGateway ? facts.settings?.gatewayController : controller;
  const prometheus = prometheusUrl(decisions, facts, options, ownPrometheus);
  return {
    ...(gateway !== undefined && { gateway }),
    ...(gatewayController !== undefined && { gatewayController }),
    ...(prometheus !== undefined && { prometheus }),
  };
}

/** What a newer Cortex wrote stays as it is. */
function cloudText({ cloud }: InstallOptions, { settings }: ClusterFacts): { readonly cloud?: string } {
  const text = cloud ? JSON.stringify(cloud) : settings?.cloud;
  return text === undefined ? {} : { cloud: text };
}

/** Of a manifest of another folder the Service lies elsewhere than that of our own. */
function urlOfOwn(objects: readonly KubeObject[]): string {
  const service = objects.find(
    ({ kind, metadata }) => kind === "Service" && metadata.labels?.[label.addon] === "prometheus",
  );
  return service ? `http://${service.metadata.name}.${service.metadata.namespace}:9090` : ourPrometheusUrl;
}

function isWrittenDown(settings: InstallPlan["settings"], facts: ClusterFacts): boolean {
  const written = facts.settings as Readonly<Record<string, string>> | undefined;
  const keys = ["gateway", "gatewayController", "prometheus", "cloud"];
  return written !== undefined && keys.every((key) => written[key] === settings[key]);
}
