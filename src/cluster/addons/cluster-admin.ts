import type { ClusterAdmin } from "../../core/cluster.ts";
import type { KubeClient } from "../../kubernetes/kube-client.ts";
import { health } from "./health.ts";
import { install } from "./install.ts";
import { planInstall } from "./plan-install.ts";
import { readUninstallFacts, uninstallPlan } from "./plan-uninstall.ts";
import { uninstall } from "./uninstall.ts";

export interface ClusterAdminOptions {
  /** Of the environment. */
  readonly name: string;
  /** Of its APIs. */
  readonly namespace: string;
  /** What the environment names itself. */
  readonly gateway: string | undefined;
  readonly prometheus: string | undefined;
  readonly client: KubeClient;
  /** Of Cortex. */
  readonly version: string;
  readonly now: () => number;
}

/** The add-ons of one cluster. Holds nothing but its connection. */
export function clusterAdmin(options: ClusterAdminOptions): ClusterAdmin {
  const { name, namespace, client, version, now, gateway, prometheus } = options;
  return {
    name,
    context: client.context,
    planInstall(wishes, onDownload, signal) {
      const chosen = {
        namespace,
        ...(gateway !== undefined && { gateway }),
        ...(prometheus !== undefined && { prometheus }),
        ...wishes,
      };
      return planInstall(chosen, { client, now, onDownload }, signal);
    },
    install: (plan, timeoutMs, onEvent, signal) => install(plan, { client, version, timeoutMs, onEvent, signal }),
    planUninstall: async (signal) => uninstallPlan(await readUninstallFacts(client, signal)),
    uninstall: (timeoutMs, onEvent, signal) => uninstall({ client, timeoutMs, onEvent, signal }),
    health: (signal) => health({ name, client, gateway, prometheus }, signal),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}
