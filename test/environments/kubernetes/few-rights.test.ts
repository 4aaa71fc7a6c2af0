import { expect, test } from "vitest";
import { watchNamespace } from "../../../src/environments/kubernetes/namespace-watch.ts";
import { readSnapshot } from "../../../src/environments/kubernetes/snapshot.ts";
import type { KubeClient } from "../../../src/kubernetes/kube-client.ts";
import type { ResourceType } from "../../../src/kubernetes/objects.ts";
import { memoryClient, refusal } from "./support/memory-client.ts";

/** A client that may not read `kinds`. */
function withoutRight(...kinds: readonly string[]): KubeClient {
  const client = memoryClient();
  const check = ({ kind }: ResourceType) => {
    if (kinds.includes(kind)) throw refusal(403, "Forbidden", `you may not list ${kind}`);
  };
  const { list, watch } = client;
  return Object.assign(client, {
    list: async (...[type, ...others]: Parameters<typeof list>) => {
      check(type);
      return list(type, ...others);
    },
    async *watch(...[type, ...others]: Parameters<typeof watch>) {
      check(type);
      yield* watch(type, ...others);
    },
  }) as KubeClient;
}

const options = { withRoutes: true, withEvents: true };

test("a rollout is followed without the events of pods by one who may not read them", async () => {
  const stop = new AbortController();
  const changes = watchNamespace(withoutRight("Event"), "models", options, stop.signal).changes(stop.signal);
  expect(await changes[Symbol.asyncIterator]().next()).toEqual({ done: false, value: undefined });
  stop.abort();
});

test("a rollout is not followed without what it is judged by", async () => {
  const stop = new AbortController();
  const changes = watchNamespace(withoutRight("Pod"), "models", options, stop.signal).changes(stop.signal);
  await expect(changes[Symbol.asyncIterator]().next()).rejects.toThrow("you may not list Pod");
  stop.abort();
});

test("APIs are listed without what scales them by one who may not read that", async () => {
  const client = withoutRight("HorizontalPodAutoscaler", "ScaledObject");
  const { signal } = new AbortController();
  expect(await readSnapshot(client, "models", {}, signal)).toMatchObject({
    anchors: new Map(),
    scaledObjects: new Map(),
  });
});
