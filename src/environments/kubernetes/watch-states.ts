import { setTimeout as delay } from "node:timers/promises";
import type { ApiState } from "../../core/environment.ts";
import type { KubeClient } from "../../kubernetes/kube-client.ts";
import { readAnchor } from "./anchor.ts";
import { label } from "./names.ts";
import { type NamespaceView, watchNamespace } from "./namespace-watch.ts";
import { type ClusterOverrides, readEntrance, type Snapshot } from "./snapshot.ts";
import { type StateContext, statesOf } from "./states.ts";

/** Traffic is not to be watched: it is asked for this often. */
const metricsEveryMs = 5_000;

/** Yields all APIs at once, after every change of their objects, and when new metrics are in. */
export async function* watchStates(
  client: KubeClient,
  namespace: string,
  overrides: ClusterOverrides,
  readMetrics: (snapshot: Snapshot) => Promise<Omit<StateContext, "namespace">>,
  signal: AbortSignal,
): AsyncGenerator<readonly ApiState[]> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  try {
    const watch = watchNamespace(client, namespace, { withRoutes: false, withEvents: false }, either);
    const entrance = await readEntrance(client, overrides, either);
    let metrics = await readMetrics(snapshotOf(watch.view, entrance));
    const changes = watch.changes(either)[Symbol.asyncIterator]();
    let changed = changes.next();
    let tick = delay(metricsEveryMs, "tick", { signal: either });
    tick.catch(() => {});
    for (;;) {
      const what = await Promise.race([changed.then(() => "changed"), tick]);
      if (what === "tick") {
        metrics = await readMetrics(snapshotOf(watch.view, entrance));
        tick = delay(metricsEveryMs, "tick", { signal: either });
        tick.catch(() => {});
        if (entrance.prometheusUrl === undefined) continue;
      } else changed = changes.next();
      changed.catch(() => {});
      yield statesOf(snapshotOf(watch.view, entrance), { namespace, ...metrics });
    }
  } finally {
    stop.abort();
  }
}

function snapshotOf(view: NamespaceView, entrance: Snapshot["entrance"]): Snapshot {
  return {
    anchors: new Map([...view.anchors].map(([name, object]) => [name, readAnchor(object)])),
    deployments: view.deployments,
    pods: Map.groupBy(view.pods.values(), ({ metadata }) => metadata.labels?.[label.name] ?? ""),
    autoscalers: new Map(),
    scaledObjects: new Map(),
    entrance,
  };
}
