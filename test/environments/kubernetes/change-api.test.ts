import { describe, expect, test } from "vitest";
import type { RolloutEvent } from "../../../src/core/environment.ts";
import type { CortexError } from "../../../src/core/errors.ts";
import { type Anchor, anchorObject, readAnchor } from "../../../src/environments/kubernetes/anchor.ts";
import { templateRevision } from "../../../src/environments/kubernetes/api-states.ts";
import { type ApiChange, type ChangePorts, changeApi } from "../../../src/environments/kubernetes/change-api.ts";
import type { NamespaceView } from "../../../src/environments/kubernetes/namespace-watch.ts";
import { pullSecret } from "../../../src/environments/kubernetes/secrets.ts";
import type { ConfigMap, Deployment, Pod } from "../../../src/environments/kubernetes/shapes.ts";
import { type KubeObject, resource } from "../../../src/kubernetes/objects.ts";
import { realtimeApi } from "../../cli/support/states.ts";
import { anchor, container, deployment, now, pod, record } from "./support/cluster-objects.ts";
import { type MemoryClient, memoryClient, refusal } from "./support/memory-client.ts";

const namespace = "models";
const { signal } = new AbortController();

/** The anchor as it is kept, and as a change reads it. */
function kept(one: Anchor): ConfigMap {
  const object = anchorObject(namespace, one, one);
  return { ...object, metadata: { ...object.metadata, uid: one.uid } };
}

function change(changes: Partial<ApiChange> = {}): ApiChange {
  return {
    before: undefined,
    serving: undefined,
    record: record(1),
    change: "created",
    refreshedAt: undefined,
    live: new Map(),
    secrets: () => [],
    createdBy: "ada@laptop",
    timeoutMs: 60_000,
    ...changes,
  };
}

const crashing = (revision: number): Pod =>
  pod({ revision, containers: [container({ state: { terminated: { exitCode: 1, message: "no model" } } })] });

/** Ports over `client`; the rollout sees `pods` and the Deployment as it was applied. */
function portsOf(client: MemoryClient, pods: readonly Pod[] = []): ChangePorts {
  const view = (): NamespaceView => {
    const found = client.objects.get("Deployment/iris") as Deployment | undefined;
    const revision = Number(found?.spec.template.metadata?.labels?.["cortex.dev/revision"] ?? 0);
    const anchors = client.objects.get("ConfigMap/iris") as ConfigMap | undefined;
    return {
      anchors: new Map(anchors && [["iris", anchors]]),
      deployments: new Map(found && [["iris", deployment({ revision, available: pods.length > 0 ? 0 : 1 })]]),
      pods: new Map(pods.map((one) => [one.metadata.name, one])),
      routes: new Map(),
      events: new Map(),
    };
  };
  return {
    client,
    namespace,
    inEnv: " -e production",
    features: { minorVersion: 34, gateway: undefined, hasKeda: false, prometheusUrl: undefined, hasPodMonitor: false },
    watch: () => ({
      get view() {
        return view();
      },
      isCurrent: () => true,
      async *changes() {
        yield;
        await new Promise(() => {});
      },
    }),
    endpoint: () => "http://iris.models",
    now: () => now,
  };
}

async function run(one: ApiChange, ports: ChangePorts): Promise<readonly RolloutEvent[]> {
  return Array.fromAsync(changeApi(one, ports, signal));
}

const failureOf = (running: Promise<unknown>): Promise<CortexError> =>
  running.then(
    () => Promise.reject(new Error("it did not fail")),
    (error: CortexError) => error,
  );

const anchorIn = (client: MemoryClient) => readAnchor(client.objects.get("ConfigMap/iris") as ConfigMap);
const specOf = (client: MemoryClient, name: string) =>
  (client.objects.get(name) as KubeObject & { readonly spec: { readonly replicas?: number } }).spec;

describe("a change of an API", () => {
  test("is accepted once all is written, so that who does not wait any longer leaves nothing undone", async () => {
    const client = memoryClient();
    for await (const { type } of changeApi(change(), portsOf(client), signal)) {
      expect(type).toBe("accepted");
      break;
    }
    expect([...client.objects.keys()]).toEqual(
      expect.arrayContaining(["ConfigMap/iris", "Deployment/iris", "Service/iris", "ControllerRevision/iris-1"]),
    );
  });

  test("that fails brings back what serves, also where a killed command has not kept that as a revision", async () => {
    const before = anchor(4, { serving: 3 });
    const client = memoryClient(kept(before));
    await run(change({ before, serving: 3, record: record(4) }), portsOf(client));
    client.objects.delete("ControllerRevision/iris-4");
    const served = anchorIn(client);
    const failing = change({ before: served, serving: 4, record: record(5), change: "updated" });
    const error = await failureOf(run(failing, portsOf(client, [crashing(5)])));
    expect(error).toMatchObject({ code: "ROLLOUT_FAILED" });
    expect(error.hint).toContain("cortex get iris -e production");
    expect(templateRevision(client.objects.get("Deployment/iris") as Deployment)).toBe(4);
    expect(specOf(client, "Deployment/iris").replicas).not.toBe(0);
    expect(anchorIn(client).failure).toMatchObject({ code: "ROLLOUT_FAILED" });
  });

  test("that fails leaves replicas alone which serve a revision that nobody knows any more", async () => {
    const before = anchor(6, { serving: 3 });
    const client = memoryClient(kept(before));
    const failing = change({ before, serving: 3, record: record(7), change: "updated" });
    await failureOf(run(failing, portsOf(client, [crashing(7)])));
    expect(specOf(client, "Deployment/iris").replicas).not.toBe(0);
  });

  test("that the cluster refuses in part is taken back, and recorded", async () => {
    const before = anchor(1, { serving: 1 });
    const client = memoryClient(kept(before));
    await run(change({ before, serving: 1 }), portsOf(client));
    let isRefused = false;
    client.refuse = (write) => {
      if (write !== "apply Deployment/iris" || isRefused) return;
      isRefused = true;
      throw refusal(403, "Forbidden", "the policy says no");
    };
    const updated = change({ before: anchorIn(client), serving: 1, record: record(2), change: "updated" });
    const error = await failureOf(run(updated, portsOf(client)));
    expect(error.message).toBe("the policy says no");
    expect(anchorIn(client).failure?.message).toBe("the policy says no");
    expect(templateRevision(client.objects.get("Deployment/iris") as Deployment)).toBe(1);
    expect(client.writes.at(-1)).toMatch(/^apply/);
  });

  test("says what failed first, also when it cannot be undone", async () => {
    const before = anchor(1, { serving: 1 });
    const client = memoryClient(kept(before));
    let applied = 0;
    client.refuse = (write) => {
      applied += write === "apply Deployment/iris" ? 1 : 0;
      if (applied > 1) throw refusal(403, "Forbidden", "you may not patch");
    };
    const failing = change({ before, serving: 1, record: record(2), change: "updated" });
    const error = await failureOf(run(failing, portsOf(client, [crashing(2)])));
    expect(error).toMatchObject({ code: "ROLLOUT_FAILED", details: "no model" });
    expect(error.message).toContain("could not be brought back: you may not patch");
  });

  test("records its failure over a write of somebody else's that is no change", async () => {
    const client = memoryClient();
    let isFirst = true;
    client.refuse = (write) => {
      if (write !== "replace ConfigMap/iris" || !isFirst) return;
      isFirst = false;
      throw refusal(409, "Conflict");
    };
    await failureOf(run(change(), portsOf(client, [crashing(1)])));
    expect(anchorIn(client).failure).toMatchObject({ code: "ROLLOUT_FAILED" });
    expect(specOf(client, "Deployment/iris").replicas).toBe(0);
  });

  test("that another command has begun anew is left to that command", async () => {
    const client = memoryClient();
    const ports = portsOf(client, [crashing(1)]);
    const running = changeApi(change(), ports, signal);
    await running.next();
    const others = anchor(1, {
      ...anchorIn(client),
      rollout: { startedAt: "later", deadline: "later", by: "bob@desk" },
    });
    client.objects.set("ConfigMap/iris", kept(others));
    await failureOf(Array.fromAsync(running));
    expect(anchorIn(client).failure).toBeUndefined();
    expect(specOf(client, "Deployment/iris").replicas).not.toBe(0);
  });

  test("of replicas alone that fails leaves no trace in what is wanted", async () => {
    const before = anchor(1, { serving: 1, refreshedAt: "2026-01-01T00:00:00Z" });
    const client = memoryClient(kept(before));
    const refreshed = change({ before, serving: 1, change: "refreshed", refreshedAt: "2026-02-02T00:00:00Z" });
    await failureOf(run(refreshed, portsOf(client, [crashing(1)])));
    expect(anchorIn(client).refreshedAt).toBe("2026-01-01T00:00:00Z");
  });

  test("touches no credentials that somebody else wrote under the name of its own, and nothing else then", async () => {
    const client = memoryClient();
    client.refuse = (write) => {
      if (write === "try Secret/iris-registry") throw refusal(409, "Conflict");
    };
    const credentials = { registry: "registry.example.com", username: "ada", password: "secret" };
    const pulling = change({ secrets: (owner) => [pullSecret(namespace, record(1), credentials, owner)] });
    const error = await failureOf(run(pulling, portsOf(client)));
    expect(error).toMatchObject({ code: "CONFLICT" });
    expect(error.message).toContain("Secret iris-registry");
    expect(client.writes).toEqual([]);
  });

  test("starts replicas where none was ever ready, also of an API that may sleep", async () => {
    const api = realtimeApi();
    const spec = { ...api, autoscaling: { ...api.autoscaling, min_replicas: 0, max_replicas: 2, init_replicas: 1 } };
    const client = memoryClient();
    await failureOf(run(change({ record: record(1, { spec }) }), portsOf(client, [crashing(1)])));
    expect(specOf(client, "Deployment/iris").replicas).toBe(0);
    const live = new Map([[resource.deployment, client.objects.get("Deployment/iris")!]]);
    const mended = change({ before: anchorIn(client), live, record: record(2, { spec }), change: "updated" });
    await run(mended, portsOf(client));
    expect(specOf(client, "Deployment/iris").replicas).toBe(1);
  });

  test("is over once it is live, so that replicas that come and go later keep nobody from the next", async () => {
    const client = memoryClient();
    await run(change(), portsOf(client));
    expect(anchorIn(client)).toMatchObject({ serving: 1, rollout: undefined });
  });

  test("that has been taken over leaves the rollout of who took it over alone", async () => {
    const client = memoryClient();
    const running = changeApi(change(), portsOf(client), signal);
    await running.next();
    const rollout = { startedAt: "later", deadline: "later", by: "bob@desk" };
    const others = kept(anchor(1, { ...anchorIn(client), rollout }));
    client.objects.set("ConfigMap/iris", { ...others, metadata: { ...others.metadata, resourceVersion: "newer" } });
    await Array.fromAsync(running);
    expect(anchorIn(client)).toMatchObject({ serving: 1, rollout });
  });
});
