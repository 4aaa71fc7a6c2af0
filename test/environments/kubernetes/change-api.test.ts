import { describe, expect, test } from "vitest";
import { type ApiChange, type ChangePorts, changeApi } from "../../../src/environments/kubernetes/change-api.ts";
import type { NamespaceView } from "../../../src/environments/kubernetes/namespace-watch.ts";
import type { ConfigMap, Deployment, Pod } from "../../../src/environments/kubernetes/shapes.ts";
import { deployment, now, record } from "./support/cluster-objects.ts";
import { type MemoryClient, memoryClient } from "./support/memory-client.ts";

const namespace = "models";
const { signal } = new AbortController();

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
    features: { minorVersion: 34, gateway: undefined, hasKeda: false, prometheusUrl: undefined, hasPodMonitor: false },
    watch: () => ({
      get view() {
        return view();
      },
      async *changes() {
        yield;
        await new Promise(() => {});
      },
    }),
    endpoint: () => "http://iris.models",
    now: () => now,
  };
}

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
});
