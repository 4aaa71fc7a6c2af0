import type { AddonPlan, InstallOptions } from "../../core/cluster.ts";
import type { Problem } from "../../core/errors.ts";
import type { ClusterFacts } from "./facts.ts";
import { type Found, type FoundName, findAddon, foreignPrometheus } from "./found.ts";
import { ourGateway } from "./gateway-objects.ts";
import { compareVersions, oldestGatewayApiForEnvoyGateway, prometheusRelease, releases } from "./releases.ts";
import { type InstalledReleases, installedReleases } from "./settings-objects.ts";

/** What is to be done about an add-on, before its manifest is looked at. */
export interface Decision {
  readonly name: FoundName;
  readonly action: AddonPlan["action"];
  readonly version: string;
  readonly where?: string;
  readonly notes: readonly string[];
  readonly isAwaited: boolean;
}

export interface Decisions {
  readonly addons: readonly Decision[];
  /** Why the whole cannot be done. */
  readonly problems: readonly Problem[];
  /** `namespace/name` of a Gateway of somebody else that is used. */
  readonly gateway: string | undefined;
}

/**
 * Looks at every add-on by itself. What others installed is used as it is, whatever its version; what cannot be used is a problem.
 * @param sources SHA-256 of the manifests that would be applied, as far as they are at hand
 */
export function decide(
  facts: ClusterFacts,
  options: InstallOptions,
  sources: Readonly<Record<string, string>>,
): Decisions {
  const gateway = options.gateway ?? otherGatewayOf(facts);
  const usesOtherClass = gateway !== undefined || options.gatewayClass !== undefined;
  const installed = installedReleases(facts.settings?.installed);
  const problems: Problem[] = [];
  const decideOne = (name: Decision["name"]): Decision => {
    const found = findAddon(name, facts);
    const isUnneeded = name === "envoy-gateway" && usesOtherClass && found.state !== "ours";
    if (options.skip.includes(name) || isUnneeded) {
      const note = options.skip.includes(name) ? "left out with --skip" : "the Gateway is somebody else's";
      return { name, action: "skip", version: "", notes: [note], isAwaited: false };
    }
    const { decision, problem } = fromFound(name, found, installed, sources[name]);
    if (problem) problems.push(problem);
    return decision;
  };
  const addons = decisionNames.map(decideOne);
  problems.push(...versionProblems(addons, gateway), ...metricsProblems(addons, facts));
  return { addons: addons.map((one) => withPrometheus(one, facts, options)), problems, gateway };
}

export const decisionNames: readonly Decision["name"][] = [
  "gateway-api",
  "envoy-gateway",
  "keda",
  "prometheus",
  "metrics-server",
];

/** The one that an earlier run was told to use. */
function otherGatewayOf({ settings }: ClusterFacts): string | undefined {
  const own = `${ourGateway.namespace}/${ourGateway.name}`;
  return settings?.gateway === own ? undefined : settings?.gateway;
}

export function pinnedVersion(name: Decision["name"]): string {
  return name === "prometheus" ? prometheusRelease.version : releases[name].version;
}

function oldestOf(name: Decision["name"]): string {
  return name === "prometheus" ? prometheusRelease.oldest : releases[name].oldest;
}

function fromFound(
  name: Decision["name"],
  found: Found,
  installed: InstalledReleases,
  source: string | undefined,
): { readonly decision: Decision; readonly problem?: Problem } {
  const version = pinnedVersion(name);
  if (found.state === "absent") return { decision: { name, action: "install", version, notes: [], isAwaited: true } };
  if (found.state === "ours") return { decision: ourDecision(name, found, installed[name], source) };
  if (found.state === "others") {
    const isOld = /\d/.test(found.version) && compareVersions(found.version, oldestOf(name)) < 0;
    const decision: Decision = {
      name,
      action: "use",
      version: found.version,
      where: found.where,
      notes: found.isReady ? [] : ["it does not work now"],
      isAwaited: false,
    };
    if (!isOld) return { decision };
    const message = `the cluster's ${name} is ${found.version}; APIs need ${oldestOf(name)} or newer`;
    return { decision, problem: { message, hint: `upgrade it as it was installed, or leave it: --skip ${name}` } };
  }
  return {
    decision: { name, action: "install", version, notes: [], isAwaited: true },
    problem: {
      message: `the cluster has kinds of ${name} (${found.what.slice(0, 3).join(", ")}${found.what.length > 3 ? " …" : ""}), and nothing that serves them`,
      hint: `left by an earlier installation: kubectl delete crd ${found.what.join(" ")} (their objects go, too), or install ${name} as before`,
    },
  };
}

function ourDecision(
  name: Decision["name"],
  found: Found & { state: "ours" },
  record: InstalledReleases[string] | undefined,
  source: string | undefined,
): Decision {
  const version = pinnedVersion(name);
  const base = { name, notes: [], isAwaited: true };
  if (record && compareVersions(record.version, version) > 0) {
    return {
      ...base,
      action: "keep",
      version: record.version,
      notes: ["a newer Cortex installed it"],
      isAwaited: false,
    };
  }
  if (record && record.version !== version) return { ...base, action: "update", version };
  const isWhole = record !== undefined && record.objects === found.objects.length && found.isReady;
  const isSame = source === undefined || source === record?.source;
  if (isWhole && isSame) return { ...base, action: "keep", version, isAwaited: false };
  return { ...base, action: isWhole ? "update" : "complete", version };
}

/** Envoy Gateway is made for a version of the Gateway API, and that one may be somebody else's. */
function versionProblems(addons: readonly Decision[], gateway: string | undefined): readonly Problem[] {
  const of = (name: Decision["name"]) => addons.find((one) => one.name === name)!;
  const api = of("gateway-api");
  const controller = of("envoy-gateway");
  const installsController = ["install", "complete", "update"].includes(controller.action);
  if (gateway !== undefined && api.action === "install") {
    return [{ message: "the cluster has no Gateway API, so there is no Gateway to use", hint: "leave --gateway out" }];
  }
  if (api.action !== "use" || !installsController || !/\d/.test(api.version)) return [];
  if (compareVersions(api.version, oldestGatewayApiForEnvoyGateway) >= 0) return [];
  const { url, version } = releases["gateway-api"];
  return [
    {
      message: `the cluster's Gateway API is ${api.version}; Envoy Gateway ${controller.version} needs ${oldestGatewayApiForEnvoyGateway} or newer`,
      hint: `upgrade it to ${version} (kubectl apply --server-side -f ${url}), or use a Gateway that the cluster has: --gateway NAMESPACE/NAME`,
    },
  ];
}

/** Only one program can serve external metrics. */
function metricsProblems(addons: readonly Decision[], { apiServices }: ClusterFacts): readonly Problem[] {
  const keda = addons.find(({ name }) => name === "keda")!;
  if (keda.action !== "install") return [];
  const taken = apiServices.find(({ metadata }) => metadata.name === "v1beta1.external.metrics.k8s.io");
  if (!taken) return [];
  const { namespace, name } = taken.spec.service ?? { namespace: "?", name: "?" };
  return [
    {
      message: `${namespace}/${name} serves external metrics already, which KEDA would take over`,
      hint: "remove that adapter, or leave KEDA out: --skip keda (APIs then scale on CPU)",
    },
  ];
}

function withPrometheus(decision: Decision, facts: ClusterFacts, { prometheus }: InstallOptions): Decision {
  if (decision.name !== "prometheus") return decision;
  if (prometheus !== undefined && decision.action === "install") {
    return { ...decision, action: "use", version: "unknown version", where: prometheus, isAwaited: false };
  }
  if (
    decision.action !== "use" ||
    facts.crds.some(({ metadata }) => metadata.name === "podmonitors.monitoring.coreos.com")
  ) {
    return decision;
  }
  const note = "it has to scrape pods by their prometheus.io annotations; `cortex doctor` says whether it does";
  return { ...decision, notes: [...decision.notes, note] };
}

/** As pods reach it; undefined when there is none. */
export function prometheusUrl(
  decisions: Decisions,
  facts: ClusterFacts,
  options: InstallOptions,
  own: string,
): string | undefined {
  const { action } = decisions.addons.find(({ name }) => name === "prometheus")!;
  if (options.prometheus !== undefined) return options.prometheus;
  if (action === "use") return foreignPrometheus(facts)?.url;
  return action === "skip" ? facts.settings?.prometheus : own;
}
