import { type AddonHealth, apiAddonNames, type CloudAddonName, cloudAddonNames } from "../../core/cluster.ts";
import type { KubeClient } from "../../kubernetes/kube-client.ts";
import { pinnedVersion } from "./decide.ts";
import { diagnose } from "./diagnose.ts";
import { type ClusterFacts, conditionOf, isAvailable, isOurs, readFacts, serves, type Workload } from "./facts.ts";
import { type Found, type FoundName, findAddon, oursOf } from "./found.ts";
import { gatewayNamed } from "./gateway-checks.ts";
import { ourGateway } from "./gateway-objects.ts";
import { cloudObjects, cloudVersion } from "./plan-cloud.ts";
import { isServing } from "./plan-install.ts";
import { compareVersions } from "./releases.ts";
import { cloudSettings } from "./settings-objects.ts";
import { stateOf } from "./wait.ts";

export interface HealthOptions {
  /** Of the environment. */
  readonly name: string;
  readonly client: KubeClient;
  /** `namespace/name`, where the environment names one. */
  readonly gateway: string | undefined;
  /** URL, where the environment names one. */
  readonly prometheus: string | undefined;
}

/** One row per add-on, in order. */
export async function health(options: HealthOptions, signal: AbortSignal): Promise<readonly AddonHealth[]> {
  const facts = await readFacts(options.client, signal);
  const rows = [
    ...apiAddonNames.map((name) =>
      name === "gateway" ? gatewayHealth(facts, options) : programHealth(name, findAddon(name, facts), options),
    ),
    ...cloudAddonNames.flatMap((name) => cloudHealth(name, facts, options) ?? []),
  ];
  return Promise.all(
    rows.map(async (row) => {
      const isWell = row.status === "missing" || (row.status === "ok" && row.warning === undefined);
      if (row.name === "gateway" || row.installedBy !== "cortex" || isWell) return row;
      const { detail, failure } = diagnose(await stateOf(options.client, row.name, signal));
      const hint = failure?.hint ?? row.hint;
      return { ...row, ...(detail && { warning: detail }), ...(hint !== undefined && { hint }) };
    }),
  );
}

/** What an API does without. */
const withoutIt: Readonly<Record<AddonHealth["name"], string>> = {
  "gateway-api": "APIs are reached through the API server only",
  "envoy-gateway": "no Gateway is served",
  gateway: "APIs are reached through the API server only",
  keda: "APIs scale on CPU, and not to zero",
  prometheus: "APIs scale on CPU, and their requests are not measured",
  "metrics-server": "APIs do not scale on CPU",
  "cluster-autoscaler": "no node is added or taken away",
  "fluent-bit": "lines of replicas that are gone are lost",
  "storage-class": "nothing can ask for a disk",
  "nvidia-device-plugin": "no API can have a GPU",
  "neuron-device-plugin": "no API can have an Inferentia chip",
};

const install = (environment: string) => `cortex cluster install -e ${environment}`;

/** @returns undefined where the cluster has no use for it */
function cloudHealth(name: CloudAddonName, facts: ClusterFacts, options: HealthOptions): AddonHealth | undefined {
  const cloud = cloudSettings(facts.settings);
  if (!cloud || cloudObjects(name, cloud, facts.storageClasses).length === 0) return undefined;
  const there = oursOf(facts, name);
  const base = { name, version: there.length > 0 ? cloudVersion(name, cloud) : "" };
  const hint = install(options.name);
  if (there.length === 0) {
    return { ...base, status: "missing", installedBy: "", warning: withoutIt[name], hint };
  }
  const programs = there.filter(({ kind }) => kind === "Deployment" || kind === "DaemonSet") as Workload[];
  const isProgram = name !== "storage-class";
  const repair = `${hint} repairs what is missing`;
  if (isProgram && (programs.length === 0 || !programs.every(serves))) {
    return { ...base, status: "down", installedBy: "cortex", warning: "its program does not run", hint: repair };
  }
  if (programs.every(isAvailable)) return { ...base, status: "ok", installedBy: "cortex" };
  return { ...base, status: "ok", installedBy: "cortex", warning: "not all of it is ready", hint: repair };
}

function programHealth(name: FoundName, found: Found, options: HealthOptions): AddonHealth {
  const { gateway, prometheus } = options;
  const isChosenElsewhere = (name === "prometheus" && prometheus) || (name === "envoy-gateway" && gateway);
  if (found.state === "absent" || found.state === "remains") {
    const base = { name, version: "", status: "missing", installedBy: "" } as const;
    if (isChosenElsewhere) return { ...base, warning: `the environment names another: ${isChosenElsewhere}` };
    return { ...base, warning: withoutIt[name], hint: install(options.name) };
  }
  const { version, isReady } = found;
  const installedBy = found.state === "ours" ? "cortex" : "others";
  const base = { name, version, installedBy } as const;
  if (found.state === "ours" ? found.isDown : !isReady) {
    const where = found.state === "others" ? ` (${found.where})` : "";
    return { ...base, status: "down", warning: `its program does not run${where}`, hint: isOurHint(found, options) };
  }
  if (!isReady) return { ...base, status: "ok", warning: "not all of it is ready", hint: isOurHint(found, options) };
  const isOlder = found.state === "ours" && /\d/.test(version) && compareVersions(version, pinnedVersion(name)) < 0;
  if (!isOlder) return { ...base, status: "ok" };
  return { ...base, status: "ok", warning: `this Cortex installs ${pinnedVersion(name)}`, hint: install(options.name) };
}

function isOurHint(found: Found, { name }: HealthOptions): string {
  return found.state === "ours" ? `${install(name)} repairs what is missing` : "see to it as it was installed";
}

function gatewayHealth(facts: ClusterFacts, options: HealthOptions): AddonHealth {
  const chosen = options.gateway;
  const name = chosen ?? facts.settings?.gateway ?? `${ourGateway.namespace}/${ourGateway.name}`;
  const gateway = gatewayNamed(facts, name);
  const base = { name: "gateway", version: gateway?.spec.gatewayClassName ?? "" } as const;
  if (!gateway) {
    const isNamed = chosen !== undefined || facts.settings?.gateway !== undefined;
    if (!isNamed)
      return { ...base, status: "missing", installedBy: "", warning: withoutIt.gateway, hint: install(options.name) };
    return {
      ...base,
      status: "down",
      installedBy: "",
      warning: `there is no Gateway ${name}`,
      hint: install(options.name),
    };
  }
  const installedBy = isOurs(gateway) ? "cortex" : "others";
  if (!isServing(gateway)) {
    const warning = conditionOf(gateway, "Programmed")?.message ?? "no controller has looked at it";
    return {
      ...base,
      status: "down",
      installedBy,
      warning: `${name}: ${warning}`,
      hint: `kubectl -n ${name.replace("/", " describe gateway ")}`,
    };
  }
  if ((gateway.status?.addresses ?? []).length > 0) return { ...base, status: "ok", installedBy };
  return {
    ...base,
    status: "ok",
    installedBy,
    warning: `${name} has no address: this cluster has no load balancer`,
    hint: "`cortex predict` and `cortex port-forward` work without one",
  };
}
