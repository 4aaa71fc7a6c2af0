import type { ClusterId, ReachableCluster } from "../../core/cloud-cluster.ts";
import { CortexError } from "../../core/errors.ts";
import type { App } from "../app.ts";
import { confirm } from "../prompt.ts";
import type { KubernetesEnvironment, Settings } from "../settings.ts";
import { checkName, environmentsOf, withCluster } from "../settings-changes.ts";
import { eksSettings } from "./eks-settings.ts";

/**
 * Asks before an environment that is something else becomes this cluster.
 * @param name undefined: the cluster's own
 * @returns its name
 * @throws USAGE for what cannot name one; INTERRUPTED when it must stay as it is
 */
export async function agreeOnEnvironment(
  app: App,
  name: string | undefined,
  cluster: ClusterId,
  isAgreed: boolean,
): Promise<string> {
  const wanted = name ?? cluster.name;
  checkName(wanted);
  const settings = await app.settings.read();
  const there = settings.environments.find((one) => one.name === wanted);
  if (!there || isAgreed || environmentsOf(settings, cluster).includes(wanted)) return wanted;
  const question = `there is an environment ${wanted} already (${whereText(there)}); should it become this cluster?`;
  if (await confirm(app, question, "-y, or another name with -e,")) return wanted;
  throw new CortexError("INTERRUPTED", "nothing was changed", { hint: "name another environment with -e" });
}

function whereText(one: Settings["environments"][number]): string {
  if (one.kind === "operator") return one.operator_endpoint ?? "a cluster of an older Cortex";
  if (one.kind === "local") return "this machine";
  return one.eks ? `cluster ${one.eks.cluster} in ${one.eks.region}` : `context ${one.context ?? "of this pod"}`;
}

export async function configureEnvironment(app: App, name: string, reachable: ReachableCluster): Promise<void> {
  const environment: KubernetesEnvironment = {
    name,
    kind: "kubernetes",
    registry: reachable.registry,
    eks: eksSettings(reachable, app.variables.AWS_PROFILE || undefined),
  };
  await app.settings.update((settings) => withCluster(settings, environment), app.signal);
}

/** Forgets the environments of a cluster that is gone. @returns their names */
export async function forgetEnvironments(app: App, cluster: ClusterId): Promise<readonly string[]> {
  const names = environmentsOf(await app.settings.read(), cluster);
  if (names.length === 0) return [];
  const { removed } = await import("../settings-changes.ts");
  await app.settings.update(
    (settings) => environmentsOf(settings, cluster).reduce((left, name) => removed(left, name), settings),
    app.signal,
  );
  return names;
}
