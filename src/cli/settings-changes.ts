import type { ClusterId } from "../core/cloud-cluster.ts";
import { CortexError } from "../core/errors.ts";
import { nearest } from "../spec/nearest.ts";
import type { EnvironmentSettings, KubernetesEnvironment, OperatorEnvironment, Settings } from "./settings.ts";

/** @throws USAGE */
export function checkName(name: string): void {
  if (/^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$/i.test(name) && name !== "local") return;
  throw new CortexError("USAGE", name === "local" ? "local is this machine" : `"${name}" cannot name an environment`, {
    hint: "use letters, digits, dots and hyphens, at most 63 of them, and not `local`",
  });
}

/** @throws ENVIRONMENT_NOT_FOUND */
export function environmentNamed({ environments }: Settings, name: string): EnvironmentSettings {
  const found = environments.find((one) => one.name === name);
  if (found) return found;
  const names = environments.map((one) => one.name);
  const near = nearest(name, names);
  throw new CortexError("ENVIRONMENT_NOT_FOUND", `there is no environment ${name}`, {
    hint: near ? `did you mean ${near}?` : `there are: ${names.join(", ")}`,
  });
}

/** What is not named in `changes` stays as it was. */
export function configured(settings: Settings, changes: KubernetesEnvironment): Settings {
  const { environments } = settings;
  const before = environments.find((one) => one.name === changes.name);
  if (!before) return { ...settings, environments: [...environments, changes] };
  const after = before.kind === "kubernetes" ? { ...reachedAnew(before, changes), ...changes } : changes;
  return { ...settings, environments: environments.map((one) => (one === before ? after : one)) };
}

/** A cluster is reached by a kubeconfig or as one of AWS: the new way takes the place of the old one. */
function reachedAnew(before: KubernetesEnvironment, changes: KubernetesEnvironment): KubernetesEnvironment {
  const { context, kubeconfig, eks, ...rest } = before;
  if (changes.eks !== undefined) return rest;
  const isByFile = changes.context !== undefined || changes.kubeconfig !== undefined;
  return eks !== undefined && isByFile ? rest : before;
}

/** Makes `wanted` what it is, and keeps what was said of the same cluster beside it: namespace, gateway, Prometheus, base image. */
export function withCluster(settings: Settings, wanted: KubernetesEnvironment): Settings {
  const before = settings.environments.find((one) => one.name === wanted.name);
  if (before?.kind === "kubernetes" && isSameCluster(before, wanted)) return configured(settings, wanted);
  const others = settings.environments.filter((one) => one !== before);
  return { ...settings, environments: [...others, wanted] };
}

export function isSameCluster({ eks: one }: KubernetesEnvironment, { eks: other }: KubernetesEnvironment): boolean {
  return one !== undefined && one.cluster === other?.cluster && one.region === other.region;
}

/** @returns the names of the environments that are this cluster on AWS */
export function environmentsOf(settings: Settings, { name, region }: ClusterId): readonly string[] {
  return settings.environments
    .filter((one) => one.kind === "kubernetes" && one.eks?.cluster === name && one.eks.region === region)
    .map((one) => one.name);
}

/** @throws ENVIRONMENT_NOT_FOUND */
export function withDefault(settings: Settings, name: string): Settings {
  environmentNamed(settings, name);
  return { ...settings, default_environment: name };
}

/** @throws ENVIRONMENT_NOT_FOUND, USAGE, CONFLICT */
export function renamed(settings: Settings, oldName: string, newName: string): Settings {
  refuseLocal(oldName, "renamed");
  const old = environmentNamed(settings, oldName);
  if (settings.environments.some((one) => one.name === newName)) {
    throw new CortexError("CONFLICT", `there is an environment ${newName} already`, {
      hint: `delete it first: cortex env delete ${newName}`,
    });
  }
  return {
    default_environment: settings.default_environment === oldName ? newName : settings.default_environment,
    environments: settings.environments.map((one) =>
      one === old && one.kind !== "local" ? { ...one, name: newName } : one,
    ),
  };
}

/** The default becomes `local` when it was the one that goes. @throws ENVIRONMENT_NOT_FOUND, USAGE */
export function removed(settings: Settings, name: string): Settings {
  refuseLocal(name, "deleted");
  const doomed = environmentNamed(settings, name);
  return {
    default_environment: settings.default_environment === name ? "local" : settings.default_environment,
    environments: settings.environments.filter((one) => one !== doomed),
  };
}

function refuseLocal(name: string, what: string): void {
  if (name !== "local") return;
  throw new CortexError("USAGE", `local is this machine and cannot be ${what}`, {
    hint: "`cortex delete --all -e local` deletes the APIs in it",
  });
}

/**
 * The environment that is called `name`, if this Cortex can use it.
 * @throws ENVIRONMENT_NOT_FOUND; NOT_SUPPORTED for a cluster whose operator it does not speak to
 */
export function usableEnvironment(settings: Settings, name: string): Exclude<EnvironmentSettings, OperatorEnvironment> {
  const found = environmentNamed(settings, name);
  if (found.kind !== "operator") return found;
  throw new CortexError(
    "NOT_SUPPORTED",
    `${name} is a cluster of an older Cortex, and this one speaks to no operator`,
    {
      hint: `name the cluster's kubeconfig context: cortex env configure ${name} --context CONTEXT`,
    },
  );
}

/** The cluster that a command works with. @throws ENVIRONMENT_NOT_FOUND, NOT_SUPPORTED for what is no cluster */
export function clusterEnvironment(settings: Settings, name: string): KubernetesEnvironment {
  const used = usableEnvironment(settings, name);
  if (used.kind === "kubernetes") return used;
  const names = settings.environments.filter(({ kind }) => kind === "kubernetes").map((one) => one.name);
  throw new CortexError("NOT_SUPPORTED", `${name} is this machine, not a cluster`, {
    hint:
      names.length > 0
        ? `name a cluster with -e: ${names.join(", ")}`
        : "name a cluster first: cortex env configure NAME --context CONTEXT",
  });
}
