import { setTimeout as delay } from "node:timers/promises";
import { untilAborted } from "../../core/streams.ts";
import type { KubeClient } from "../../kubernetes/kube-client.ts";
import type { KubeError } from "../../kubernetes/kube-error.ts";
import { type KubeObject, type ResourceType, resource } from "../../kubernetes/objects.ts";
import { anchorsOnly } from "./anchor.ts";
import { label, ours } from "./names.ts";
import type { ConfigMap, Deployment, HttpRoute, KubeEvent, Pod } from "./shapes.ts";

/** Objects of one kind as a watch sees them, by name. */
type Table<T> = ReadonlyMap<string, T>;

/** What a namespace holds of Cortex's, kept up to date; one set of watches, whatever number of APIs is followed. */
export interface NamespaceView {
  readonly anchors: Table<ConfigMap>;
  readonly deployments: Table<Deployment>;
  readonly pods: Table<Pod>;
  readonly routes: Table<HttpRoute>;
  /** Of pods, in the order in which they came. */
  readonly events: Table<KubeEvent>;
}

export interface NamespaceWatch {
  readonly view: NamespaceView;
  /** False while a watch has no connection: the view shows the past. */
  isCurrent(): boolean;
  /** Yields at once when all is listed, and again after changes; several in quick succession count as one. */
  changes(signal: AbortSignal): AsyncIterable<void>;
}

/** Changes come in bursts: a pod that becomes ready changes four objects. */
const coalesceMs = 15;

const eventsOfPods = { fieldSelector: "involvedObject.kind=Pod" };
/** Events say more of what pods say themselves: one who may not read them deploys as well. */
const isWorthKnowing = (error: unknown) => (error as KubeError).status !== 403;

/** @param withEvents whether events of pods are watched too, which only a rollout needs */
export function watchNamespace(
  client: KubeClient,
  namespace: string,
  options: { readonly withRoutes: boolean; readonly withEvents: boolean },
  signal: AbortSignal,
): NamespaceWatch {
  const view = {
    anchors: new Map<string, ConfigMap>(),
    deployments: new Map<string, Deployment>(),
    pods: new Map<string, Pod>(),
    routes: new Map<string, HttpRoute>(),
    events: new Map<string, KubeEvent>(),
  };
  let wake = Promise.withResolvers<void>();
  let count = 0;
  let failure: unknown;
  const cutOff = new Set<ResourceType>();
  const notify = () => {
    count += 1;
    wake.resolve();
    wake = Promise.withResolvers();
  };
  const follow = async <T extends KubeObject>(
    type: ResourceType,
    table: Map<string, T>,
    selector: { readonly labelSelector?: string; readonly fieldSelector?: string },
    listed: () => void,
  ) => {
    const onConnection = (state: "up" | "down") => void (state === "up" ? cutOff.delete(type) : cutOff.add(type));
    for await (const event of client.watch<T>(type, { namespace, ...selector, onConnection }, signal)) {
      if (event.type === "listed") {
        table.clear();
        for (const item of event.items) table.set(item.metadata.name, item);
        listed();
      } else if (event.type === "deleted") table.delete(event.object.metadata.name);
      else table.set(event.object.metadata.name, event.object);
      notify();
    }
  };
  const start = <T extends KubeObject>(
    type: ResourceType,
    table: Map<string, T>,
    selector: { readonly labelSelector?: string; readonly fieldSelector?: string },
    isMissed: (error: unknown) => boolean = () => true,
  ): Promise<void> =>
    new Promise((listed) => {
      follow(type, table, selector, listed).catch((error: unknown) => {
        if (isMissed(error)) failure ??= error;
        listed();
        notify();
      });
    });
  const ready = Promise.all([
    start(resource.configMap, view.anchors, { labelSelector: anchorsOnly }),
    start(resource.deployment, view.deployments, { labelSelector: ours }),
    start(resource.pod, view.pods, { labelSelector: ours }),
    ...(options.withRoutes ? [start(resource.httpRoute, view.routes, { labelSelector: ours })] : []),
    ...(options.withEvents ? [start(resource.event, view.events, eventsOfPods, isWorthKnowing)] : []),
  ]);
  return {
    view,
    isCurrent: () => cutOff.size === 0,
    async *changes(consumerSignal) {
      const either = AbortSignal.any([signal, consumerSignal]);
      await untilAborted(ready, either);
      for (let seen = -1; ; ) {
        if (failure !== undefined) throw failure;
        if (seen === count) await untilAborted(wake.promise, either);
        await delay(coalesceMs, undefined, { signal: either });
        if (failure !== undefined) throw failure;
        seen = count;
        yield;
      }
    },
  };
}

/** @returns the pods of one API */
export function podsOf({ pods }: NamespaceView, api: string): readonly Pod[] {
  return [...pods.values()].filter(({ metadata }) => metadata.labels?.[label.name] === api);
}

/** @returns events by the uid of their pod */
export function eventsByPod({ events }: NamespaceView): ReadonlyMap<string, readonly KubeEvent[]> {
  return Map.groupBy(events.values(), ({ involvedObject }) => involvedObject.uid ?? "");
}
