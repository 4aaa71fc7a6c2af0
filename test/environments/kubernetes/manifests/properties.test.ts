import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { objectsOf } from "../../../../src/environments/kubernetes/manifests/objects.ts";
import { bytesQuantity, milliQuantity } from "../../../../src/environments/kubernetes/manifests/quantity.ts";
import { scalerOf } from "../../../../src/environments/kubernetes/manifests/scaling.ts";
import type { RealtimeApi, TrafficSplitter } from "../../../../src/spec/api.ts";
import { anyApi } from "../../../spec/support/arbitrary-api.ts";
import { features, inputOf } from "./support/revision.ts";

type Loose = { readonly [key: string]: Loose } & readonly Loose[];

const served = anyApi.filter((api) => api.kind === "RealtimeAPI" || api.kind === "TrafficSplitter");
const realtime = anyApi.filter((api): api is RealtimeApi => api.kind === "RealtimeAPI");
const splitters = anyApi.filter((api): api is TrafficSplitter => api.kind === "TrafficSplitter");

function object(api: RealtimeApi | TrafficSplitter, kind: string, minorVersion = 35): Loose {
  const { objects } = objectsOf(inputOf(api, { features: { ...features, minorVersion } }));
  return objects.find((one) => one.kind === kind) as unknown as Loose;
}

const units: Readonly<Record<string, number>> = {
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

function amount(quantity: string): number {
  const [, digits, unit = ""] = /^(\d+)([a-zA-Z]*)$/.exec(quantity) ?? [];
  return Number(digits) * (unit === "" ? 1 : (units[unit] ?? Number.NaN));
}

describe("whatever the file says,", () => {
  test("every object is Cortex's, named after the API, in its namespace and owned by the anchor", () => {
    fc.assert(
      fc.property(served, (api) => {
        const input = inputOf(api);
        for (const { metadata } of objectsOf(input).objects) {
          expect(metadata).toMatchObject({
            name: api.name,
            namespace: "models",
            labels: {
              "app.kubernetes.io/managed-by": "cortex",
              "app.kubernetes.io/name": api.name,
              "cortex.dev/kind": api.kind,
            },
            ownerReferences: [input.owner],
          });
        }
      }),
    );
  });

  test("no value of an environment variable is in an object, and each variable of a container is", () => {
    fc.assert(
      fc.property(realtime, (api) => {
        const secret = (env: object) => Object.fromEntries(Object.keys(env).map((key) => [key, "hash:5ec2e7"]));
        const spec: RealtimeApi = {
          ...api,
          handler: api.handler && { ...api.handler, env: secret(api.handler.env) },
          pod: { ...api.pod, containers: api.pod.containers?.map((one) => ({ ...one, env: secret(one.env) })) ?? null },
        };
        const { objects } = objectsOf(inputOf(spec));
        expect(JSON.stringify(objects)).not.toContain("5ec2e7");
        const containers = object(spec, "Deployment").spec!.template!.spec!.containers!;
        for (const { name, env } of spec.pod.containers ?? []) {
          const found = containers.find((one) => String(one.name) === name)!;
          const keys = [...found.env!].flatMap((one) => one.valueFrom?.secretKeyRef?.key ?? []);
          expect(keys).toEqual(Object.keys(env).map((key) => `${name}.${key}`));
        }
      }),
    );
  });

  test("both limits stand in the sidecar as they were given", () => {
    fc.assert(
      fc.property(realtime, (api) => {
        const [proxy] = object(api, "Deployment").spec!.template!.spec!.initContainers!;
        const config = JSON.parse(String(proxy!.args![1])) as Loose;
        const limits = (name: string) =>
          config.static_resources!.clusters!.find((one) => String(one.name) === name)!.circuit_breakers!
            .thresholds![0]!;
        expect(limits("replica").max_connections).toBe(api.pod.max_concurrency);
        expect(limits("queue").max_requests).toBe(api.pod.max_concurrency + api.pod.max_queue_length);
      }),
    );
  });

  test("what a container mounts is among the volumes of its pod, each once", () => {
    fc.assert(
      fc.property(realtime, (api) => {
        const { volumes, containers } = object(api, "Deployment").spec!.template!.spec!;
        const names = volumes!.map(({ name }) => String(name));
        expect(new Set(names).size).toBe(names.length);
        for (const { volumeMounts } of containers!) {
          for (const { name } of volumeMounts!) expect(names).toContain(name);
        }
      }),
    );
  });

  test("the autoscaler gets what Kubernetes takes", () => {
    fc.assert(
      fc.property(realtime, fc.integer({ min: 29, max: 36 }), (api, minorVersion) => {
        const scaler = scalerOf(api.autoscaling, { ...features, minorVersion });
        const scaled = object(api, "ScaledObject", minorVersion);
        expect(scaled === undefined).toBe(scaler === "fixed");
        if (scaler === "fixed") return;
        const { behavior } = scaled.spec!.advanced!.horizontalPodAutoscalerConfig!;
        for (const { stabilizationWindowSeconds, policies, tolerance } of [behavior!.scaleUp!, behavior!.scaleDown!]) {
          expect(Number(stabilizationWindowSeconds)).toBeGreaterThanOrEqual(0);
          expect(Number(stabilizationWindowSeconds)).toBeLessThanOrEqual(3600);
          expect(tolerance !== undefined).toBe(minorVersion >= 35);
          for (const { value } of policies!) {
            expect(Number.isInteger(value)).toBe(true);
            expect(Number(value)).toBeGreaterThanOrEqual(1);
          }
        }
      }),
    );
  });

  test("the weights of a splitter's route are those of its APIs, and its shadow gets copies", () => {
    fc.assert(
      fc.property(splitters, (splitter) => {
        const [rule] = object(splitter, "HTTPRoute").spec!.rules!;
        const weights = rule!.backendRefs!.map(({ name, weight }) => [String(name), Number(weight)]);
        expect(weights).toEqual(
          splitter.apis.filter(({ shadow }) => !shadow).map(({ name, weight }) => [name, weight]),
        );
        const mirrors = rule!.filters!.filter(({ type }) => String(type) === "RequestMirror");
        expect(mirrors).toHaveLength(splitter.apis.filter(({ shadow }) => shadow).length);
      }),
    );
  });
});

test("amounts are written exactly, and as Kubernetes shortens them", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 50 }), (bytes) => {
      expect(amount(bytesQuantity(bytes))).toBe(bytes);
    }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000 }), (millis) => {
      expect(amount(milliQuantity(millis)) * 1000).toBeCloseTo(millis, 6);
    }),
  );
  expect([200, 1000, 1500, 2_000_000].map(milliQuantity)).toEqual(["200m", "1", "1500m", "2k"]);
  expect([268_435_456, 1024 ** 3, 1_000_000, 1500, 1536, 12_345].map(bytesQuantity)).toEqual(
    ["256Mi", "1Gi", "1M", "1500", "1536", "12345"].map((one) => one),
  );
});
