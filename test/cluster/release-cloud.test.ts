import { describe, expect, test } from "vitest";
import { releaseCloud } from "../../src/cluster/release-cloud.ts";
import { CortexError } from "../../src/core/errors.ts";
import type { Clock } from "../../src/core/graph/resource.ts";
import type { KubeClient } from "../../src/kubernetes/kube-client.ts";
import type { KubeObject, ResourceType } from "../../src/kubernetes/objects.ts";
import { describedCluster, object, service } from "./support/described-cluster.ts";

const { signal } = new AbortController();
const gateway = object("gateway.networking.k8s.io/v1", "Gateway", { name: "cortex", namespace: "cortex-system" });
const balanced = object("v1", "Service", { name: "shop", namespace: "theirs" }, { spec: { type: "LoadBalancer" } });
const plain = service("theirs", "db", "db", 5432);

/** Time goes on only while somebody waits. */
function stepClock(): Clock {
  let now = 0;
  return {
    now: () => now,
    async sleep(ms) {
      now += ms;
    },
  };
}

/** A cluster where what is removed is gone after it was looked at `looks` more times. */
function leaving(objects: readonly KubeObject[], looks: number): KubeClient & { readonly removed: string[] } {
  const left = new Map(objects.map((one) => [one, Number.POSITIVE_INFINITY]));
  const removed: string[] = [];
  return {
    ...describedCluster([]),
    removed,
    async list(type: ResourceType) {
      const found = [...left].filter(([one]) => one.kind === type.kind);
      for (const [one, times] of found) {
        if (times <= 0) left.delete(one);
        else left.set(one, times - 1);
      }
      const items = found
        .filter(([one]) => left.has(one))
        .map(([one, times]) => {
          const metadata =
            times === Number.POSITIVE_INFINITY ? one.metadata : { ...one.metadata, deletionTimestamp: "now" };
          return { ...one, metadata };
        });
      return { items, resourceVersion: "1" };
    },
    async remove(type: ResourceType, _: string | undefined, name: string) {
      removed.push(`${type.kind} ${name}`);
      const found = [...left.keys()].find((one) => one.kind === type.kind && one.metadata.name === name)!;
      left.set(found, looks);
      return true;
    },
  } as unknown as KubeClient & { readonly removed: string[] };
}

describe("what Kubernetes made in the cloud", () => {
  test("goes Gateways first, whoever's it is, and nothing else goes", async () => {
    const client = leaving([gateway, balanced, plain], 2);
    const released = await releaseCloud({ client, clock: stepClock() }, signal);
    expect(released).toEqual({ left: [] });
    expect(client.removed).toEqual(["Gateway cortex", "Service shop"]);
  });

  test("is given up when its controller does nothing, and what is left is named", async () => {
    const said: string[] = [];
    const client = leaving([balanced], 1_000);
    const options = { client, clock: stepClock(), timeoutMs: 10_000, onDetail: (detail: string) => said.push(detail) };
    expect(await releaseCloud(options, signal)).toEqual({ left: ["Service theirs/shop"] });
    expect(client.removed).toHaveLength(1);
    expect(said[0]).toBe("waits for Service theirs/shop to go");
  });

  test("is left to AWS where the cluster does not answer", async () => {
    const error = new CortexError("FAILED", "no answer");
    const client = { ...describedCluster([]), list: () => Promise.reject(error) } as unknown as KubeClient;
    expect(await releaseCloud({ client, clock: stepClock() }, signal)).toEqual({ left: [], cause: error });
  });

  test("waits no longer when it is interrupted", async () => {
    const stop = new AbortController();
    const clock: Clock = {
      now: () => 0,
      async sleep(_, until) {
        stop.abort(new CortexError("INTERRUPTED", "interrupted"));
        until.throwIfAborted();
      },
    };
    const going = releaseCloud({ client: leaving([balanced], 10), clock }, stop.signal);
    await expect(going).rejects.toThrow("interrupted");
  });
});
