import type { ReachableCluster } from "../../core/cloud-cluster.ts";
import type { InstallPlan } from "../../core/cluster.ts";
import { CortexError, problemsOf } from "../../core/errors.ts";
import type { Clock } from "../../core/graph/resource.ts";
import type { KubeClient } from "../../kubernetes/kube-client.ts";
import type { InsideOptions } from "../inside.ts";
import type { Inside, InsidePlace } from "./inside-port.ts";

export interface KubernetesInsideOptions {
  readonly clock: Clock;
  /** Of Cortex itself. */
  readonly version: string;
  /** Folder of manifests for what goes into a cluster; undefined: they come from the internet. */
  readonly addonsDir?: string;
  /** Speaks to a cluster's API server. */
  connect(cluster: ReachableCluster, signal: AbortSignal): Promise<KubeClient>;
}

const whole = { id: "inside", title: "what lives in the cluster" } as const;

/** The inside of clusters, through their API servers. Nothing of it is loaded before it is used. */
export function kubernetesInside(options: KubernetesInsideOptions): Inside {
  const { clock, connect } = options;
  return {
    async view({ cloud, reachable, needs }, signal) {
      const { insideChanges } = await import("../inside.ts");
      const toCome = insideChanges(cloud, undefined, needs);
      if (!reachable) return { changes: toCome, warnings: [], problems: [] };
      try {
        const plan = await withPlan(options, { cloud, reachable }, async (_, planned) => planned, signal);
        return { changes: insideChanges(cloud, plan, needs), warnings: [], problems: [] };
      } catch (error) {
        if (!(error instanceof CortexError) || signal.aborted) throw error;
        if (error.code === "NOT_SUPPORTED") return { changes: [], warnings: [], problems: problemsOf(error) };
        if (!isOutOfReach(error)) throw error;
        const warning = `what lives inside the cluster cannot be looked at: ${error.message}`;
        return { changes: toCome, warnings: [warning], problems: [] };
      }
    },
    async look(reachable, signal) {
      const { lookInside } = await import("../people/look-inside.ts");
      await using client = await connect(reachable, signal);
      return await lookInside(client, signal);
    },
    async written(reachable, signal) {
      const { writtenSettings } = await import("../inside.ts");
      try {
        await using client = await connect(reachable, signal);
        return await writtenSettings(client, signal);
      } catch (error) {
        if (!isOutOfReach(error) || signal.aborted) throw error;
        return undefined;
      }
    },
    async bring(place, onEvent, signal) {
      const { applyInside } = await import("../inside.ts");
      try {
        return await withPlan(options, place, (how, plan) => applyInside(plan, how, onEvent, signal), signal);
      } catch (error) {
        if (!(error instanceof CortexError) || signal.aborted) throw error;
        onEvent({ ...whole, phase: "failed", action: "update", detail: error.message });
        return { failures: [{ ...whole, error: withWayIn(error) }] };
      }
    },
    async release(reachable, onDetail, signal) {
      const { releaseCloud } = await import("../release-cloud.ts");
      await using client = await connect(reachable, signal);
      const { cause } = await releaseCloud({ client, clock, onDetail }, signal);
      return cause?.message;
    },
  };
}

async function withPlan<T>(
  { clock, version, addonsDir, connect }: KubernetesInsideOptions,
  { cloud, reachable }: InsidePlace,
  use: (options: InsideOptions, plan: InstallPlan) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const { planInside } = await import("../inside.ts");
  await using client = await connect(reachable, signal);
  const now = () => clock.now();
  const options = { client, cloud, version, now, ...(addonsDir !== undefined && { addonsDir }) };
  return await use(options, await planInside(options, () => {}, signal));
}

/** Unlike other clusters this one says in a file of the user's who reaches it. */
function withWayIn(error: CortexError): CortexError {
  if (error.code !== "CLUSTER_UNREACHABLE") return error;
  return new CortexError(error.code, error.message, {
    hint:
      "run it again from where the API server can be reached: operator_load_balancer_scheme and " +
      "operator_load_balancer_cidr_white_list in cluster.yaml say from where",
    cause: error,
  });
}

function isOutOfReach(error: unknown): error is CortexError {
  return error instanceof CortexError && ["CLUSTER_UNREACHABLE", "NOT_AUTHORISED"].includes(error.code);
}
