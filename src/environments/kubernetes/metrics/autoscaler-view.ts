import type { AutoscalerView } from "../../../core/environment.ts";
import type { KubeObject } from "../../../kubernetes/objects.ts";
import type { Autoscaling } from "../../../spec/api.ts";
import type { RevisionRecord } from "../revision-record.ts";
import {
  type Condition,
  type Conditions,
  conditionOf,
  type HorizontalPodAutoscaler,
  type Load,
  loadOf,
  type ScaledObject,
} from "./autoscaler-objects.ts";

/**
 * What the autoscaler of an API sees and decides, in the words of the local one's: its load, the replicas that it wants, and
 * why it does not want others.
 * @param autoscaler the HorizontalPodAutoscaler, KEDA's or Cortex's own; KEDA takes it away while it is paused
 * @param replicas that the Deployment has, for as long as nothing looks at them
 * @returns undefined when nothing scales it, or not yet
 */
export function autoscalerView(
  autoscaler: KubeObject | undefined,
  scaledObject: KubeObject | undefined,
  { spec }: Pick<RevisionRecord, "spec">,
  replicas = 0,
): AutoscalerView | undefined {
  if (!("autoscaling" in spec)) return undefined;
  const hpa = autoscaler as HorizontalPodAutoscaler | undefined;
  const keda = (scaledObject as ScaledObject | undefined)?.status?.conditions ?? [];
  const troubles = troubleOfKeda(keda);
  if (!hpa) return troubles ? { current: replicas, wanted: replicas, reason: troubles } : undefined;
  const hasLooked = (hpa.status?.conditions ?? []).length > 0;
  const { currentReplicas = 0, desiredReplicas = 0 } = hpa.status ?? {};
  const current = hasLooked ? currentReplicas : replicas;
  const load = loadOf(hpa, spec.autoscaling);
  // What cannot look says 0, and leaves things as they are.
  const canLook = hasLooked && conditionOf(hpa.status?.conditions ?? [], "ScalingActive")?.status !== "False";
  const wanted = canLook ? desiredReplicas : current;
  const inFlight = load?.unit === "in-flight" ? { inFlightMean: load.perReplica * Math.max(1, current) } : {};
  const reason = troubles ?? explain({ hpa, load, current, wanted, spec: spec.autoscaling });
  return { current, wanted, ...inFlight, reason };
}

/** @returns why KEDA does not do its part; undefined when it does */
function troubleOfKeda(conditions: Conditions): string | undefined {
  const paused = conditionOf(conditions, "Paused");
  if (paused?.status === "True") return `paused: ${paused.message || "somebody has annotated its ScaledObject"}`;
  const ready = conditionOf(conditions, "Ready");
  if (ready?.status === "False") return `KEDA cannot scale it: ${saying(ready)}`;
  const fallback = conditionOf(conditions, "Fallback");
  return fallback?.status === "True" ? `KEDA cannot read its metric: ${saying(fallback)}` : undefined;
}

interface Explained {
  readonly hpa: HorizontalPodAutoscaler;
  readonly load: Load | undefined;
  readonly current: number;
  readonly wanted: number;
  readonly spec: Autoscaling;
}

function explain({ hpa, load, current, wanted, spec }: Explained): string {
  const conditions = hpa.status?.conditions ?? [];
  if (current === 0) return "scaled to zero: the next request starts a replica";
  const able = conditionOf(conditions, "AbleToScale");
  const active = conditionOf(conditions, "ScalingActive");
  if (able?.status === "False") return `held at ${current}: ${saying(able)}`;
  if (active?.status === "False") return `held at ${current}, as its metric cannot be read: ${saying(active)}`;
  if (!load) return `it has not looked yet; ${current} run`;
  const seen = load.text;
  if (wanted !== current) return `${seen}: from ${current} to ${wanted}${stepNote(conditions)}`;
  return `${seen}: ${whyStay({ able, limited: conditionOf(conditions, "ScalingLimited"), load, current, hpa, spec })}`;
}

interface Staying {
  readonly able: Condition | undefined;
  readonly limited: Condition | undefined;
  readonly load: Load;
  readonly current: number;
  readonly hpa: HorizontalPodAutoscaler;
  readonly spec: Autoscaling;
}

function whyStay({ able, limited, load, current, hpa, spec }: Staying): string {
  const { minReplicas = 1, maxReplicas } = hpa.spec;
  const isLimited = limited?.status === "True";
  if (isLimited && limited.reason === "TooManyReplicas") return `held at max_replicas (${maxReplicas})`;
  const needed = Math.max(minReplicas, Math.min(maxReplicas, Math.ceil((load.perReplica * current) / load.target)));
  const isOff = Math.abs(load.perReplica / load.target - 1) > tolerance;
  if (isOff && needed !== current && able?.reason === "ScaleDownStabilized") {
    return `${needed} would do, waiting out the downscale stabilization period (${spec.downscale_stabilization_period_ms / 1000} s)`;
  }
  if (isOff && needed !== current && able?.reason === "ScaleUpStabilized") {
    return `${needed} would do, waiting out the upscale stabilization period (${spec.upscale_stabilization_period_ms / 1000} s)`;
  }
  if (current <= minReplicas)
    return spec.min_replicas === 0 ? `at the last replica` : `at min_replicas (${minReplicas})`;
  if (isOff && needed !== current) return `${needed} would do${isLimited ? stepText : ""}`;
  return `${current} is right`;
}

/** Kubernetes leaves alone what is off by less. */
const tolerance = 0.1;
const stepText = ", as fast as the factors of autoscaling let it";

function stepNote(conditions: Conditions): string {
  const limited = conditionOf(conditions, "ScalingLimited");
  const isStep = limited?.reason === "ScaleUpLimit" || limited?.reason === "ScaleDownLimit";
  return limited?.status === "True" && isStep ? stepText : "";
}

/** What a condition says, in one sentence. */
function saying({ reason, message }: Condition): string {
  return (message || reason || "it does not say why").replaceAll(/\s+/g, " ").trim();
}
