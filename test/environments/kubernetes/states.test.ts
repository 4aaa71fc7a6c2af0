import { expect, test } from "vitest";
import type { Project } from "../../../src/core/environment.ts";
import type { Anchor } from "../../../src/environments/kubernetes/anchor.ts";
import { ownerOf } from "../../../src/environments/kubernetes/change-api.ts";
import { driftsOf } from "../../../src/environments/kubernetes/drifts.ts";
import { kubernetesEnvironment } from "../../../src/environments/kubernetes/kubernetes-environment.ts";
import { objectsOf } from "../../../src/environments/kubernetes/manifests/objects.ts";
import { plannedObjects } from "../../../src/environments/kubernetes/planned-objects.ts";
import type { Deployment } from "../../../src/environments/kubernetes/shapes.ts";
import { type FullSnapshot, ownedTypes } from "../../../src/environments/kubernetes/snapshot.ts";
import type { ImageBuilder } from "../../../src/image/image.ts";
import type { KubeObject } from "../../../src/kubernetes/objects.ts";
import { realtimeApi } from "../../cli/support/states.ts";
import { anchor, now, record } from "./support/cluster-objects.ts";
import { memoryClient } from "./support/memory-client.ts";

const namespace = "models";
const features = {
  minorVersion: 34,
  gateway: undefined,
  hasKeda: false,
  prometheusUrl: undefined,
  hasPodMonitor: false,
};
const { signal } = new AbortController();

/** All objects of `one` as they were applied, but that its Service has got another port. */
function snapshotOf(one: Anchor): FullSnapshot {
  const { objects } = objectsOf({
    namespace,
    record: one.record,
    features,
    owner: ownerOf(one),
    replicas: undefined,
    hasVariables: false,
    hasPullSecret: false,
  });
  const edited = objects.map((object) =>
    object.kind === "Service" ? ({ ...object, spec: { type: "NodePort" } } as unknown as KubeObject) : object,
  );
  const ofKind = (kind: string) => new Map(edited.filter((object) => object.kind === kind).map((one) => ["iris", one]));
  return {
    anchors: new Map([["iris", one]]),
    deployments: ofKind("Deployment") as unknown as ReadonlyMap<string, Deployment>,
    pods: new Map(),
    autoscalers: new Map(),
    scaledObjects: new Map(),
    entrance: { gateway: undefined, object: undefined, prometheusUrl: undefined },
    objects: new Map(ownedTypes.map((type) => [type, ofKind(type.kind)])),
    features,
  };
}

const failure = { code: "ROLLOUT_FAILED", message: "it crashed", at: "2026-01-01T00:00:00Z" } as const;

test("what was changed by hand is told, also after a refresh that failed", () => {
  expect(driftsOf(snapshotOf(anchor(2, { serving: 2 })), namespace, "iris")).not.toEqual([]);
  expect(driftsOf(snapshotOf(anchor(2, { serving: 2, failure })), namespace, "iris")).not.toEqual([]);
});

test("objects of what serves in the place of a revision that failed are as they should be", () => {
  expect(driftsOf(snapshotOf(anchor(2, { serving: 1, failure })), namespace, "iris")).toEqual([]);
});

test("a dry run shows the replicas that a deploy applies: a fixed number always, an autoscaler's at the first time only", async () => {
  const api = realtimeApi();
  const snapshot = snapshotOf(anchor(2, { serving: 2 }));
  const images = {
    build: async () => ({ reference: record(1).image! }),
    pullCredentials: async () => undefined,
  } as unknown as ImageBuilder;
  const project: Project = { root: "/nowhere", digest: "b".repeat(64), files: [], totalBytes: 0 };
  const options = { registry: "registry.example.com", version: "1.0.0", images: async () => images, now: () => now };
  const client = Object.assign(memoryClient(), { json: async () => ({ items: [], platform: "linux/amd64" }) });
  const replicasOf = async (most: number) => {
    const fixed = { ...api, autoscaling: { ...api.autoscaling, min_replicas: 2, max_replicas: most } };
    const objects = await plannedObjects(
      [{ api: fixed, id: "other" }],
      project,
      { createdBy: "ada@laptop", isCheckedByServer: false },
      { client, namespace, options, snapshot },
      signal,
    );
    return (objects.find(({ kind }) => kind === "Deployment") as Deployment).spec.replicas;
  };
  expect(await replicasOf(2)).toBe(2);
  expect(await replicasOf(4)).toBeUndefined();
});

test("a kubeconfig that could not be read is read again for the next call", async () => {
  let tries = 0;
  const environment = kubernetesEnvironment({
    name: "production",
    version: "1.0.0",
    now: () => now,
    images: () => Promise.reject(new Error("not needed")),
    async connect() {
      tries += 1;
      if (tries === 1) throw new Error("half written");
      return memoryClient();
    },
  });
  await expect(environment.list(signal)).rejects.toThrow("half written");
  expect(await environment.list(signal)).toEqual([]);
});
