import type { KubeObject } from "../../../kubernetes/objects.ts";
import type { Autoscaling } from "../../../spec/api.ts";

export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason?: string;
  readonly message?: string;
}

export type Conditions = readonly Condition[];

interface MetricValue {
  readonly averageValue?: string;
  readonly averageUtilization?: number;
}

interface Metric {
  readonly type: string;
  readonly external?: { readonly current?: MetricValue; readonly target?: MetricValue };
  readonly resource?: { readonly name: string; readonly current?: MetricValue; readonly target?: MetricValue };
}

/** What is read of autoscaling/v2. */
export interface HorizontalPodAutoscaler extends KubeObject {
  readonly spec: {
    readonly minReplicas?: number;
    readonly maxReplicas: number;
    readonly metrics?: readonly Metric[];
  };
  readonly status?: {
    readonly currentReplicas?: number;
    readonly desiredReplicas?: number;
    /** Entries are empty as long as a metric has never been read. */
    readonly currentMetrics?: readonly (Metric | null)[] | null;
    readonly conditions?: Conditions;
  };
}

/** What is read of keda.sh/v1alpha1. */
export interface ScaledObject extends KubeObject {
  readonly status?: { readonly conditions?: Conditions };
}

export function conditionOf(conditions: Conditions, type: string): Condition | undefined {
  return conditions.find((one) => one.type === type);
}

/** What one replica does on average, and what it should. */
export interface Load {
  readonly unit: "in-flight" | "percent of cpu";
  readonly perReplica: number;
  readonly target: number;
  /** Both, as a person reads it. */
  readonly text: string;
}

/** @returns undefined while the autoscaler has not read its metric */
export function loadOf({ spec, status }: HorizontalPodAutoscaler, { target_in_flight }: Autoscaling): Load | undefined {
  const replicas = Math.max(1, status?.currentReplicas ?? 1);
  for (const metric of status?.currentMetrics ?? []) {
    const value = metric?.external?.current?.averageValue;
    if (value !== undefined) {
      const perReplica = parseQuantity(value);
      const written = spec.metrics?.find((one) => one.external)?.external?.target?.averageValue;
      const target = written === undefined ? target_in_flight : parseQuantity(written);
      const text = `${(perReplica * replicas).toFixed(2)} in-flight on average, target ${target} per replica`;
      return { unit: "in-flight", perReplica, target, text };
    }
    const percent = metric?.resource?.current?.averageUtilization;
    if (percent !== undefined) {
      const target = spec.metrics?.find((one) => one.resource)?.resource?.target?.averageUtilization ?? 80;
      const text = `${percent}% of the CPU that replicas ask for, target ${target}%`;
      return { unit: "percent of cpu", perReplica: percent, target, text };
    }
  }
  return undefined;
}

const factors: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** A number as Kubernetes writes it, e.g. "1500m". @returns NaN for what is none */
export function parseQuantity(text: string): number {
  const [, number, unit] = /^([-+]?[\d.]+(?:e[-+]?\d+)?)([A-Za-z]*)$/.exec(text) ?? [];
  return Number(number) * (factors[unit ?? ""] ?? Number.NaN);
}
