import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { finished } from "node:stream/promises";
import type { PortForwardOptions } from "../../core/environment.ts";
import { CortexError } from "../../core/errors.ts";
import type { KubeClient } from "../../kubernetes/kube-client.ts";
import { resource } from "../../kubernetes/objects.ts";
import { choosePod, pick, podSelector, type ReplicaChoice } from "./choose-pod.ts";
import { port as ports } from "./names.ts";
import { connectToPod } from "./pod-connection.ts";
import { isReady } from "./pod-state.ts";
import type { Pod } from "./shapes.ts";

/**
 * Listens on loopback and forwards every connection to one replica, to another one when that is gone or not ready any more.
 * Returns only with an error: the reason of `signal`, or PORT_TAKEN, or what makes forwarding impossible for good.
 */
export async function forwardPort(
  client: KubeClient,
  namespace: string,
  api: string,
  options: PortForwardOptions & ReplicaChoice,
  onListening: (port: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  // Says at once when there is nothing to forward to.
  let chosen = await choosePod(client, namespace, api, options, signal);
  const pods = new Map<string, Pod>([[chosen.metadata.name, chosen]]);
  void followPods(client, namespace, api, pods, either).catch(failed.reject);

  const choose = () => {
    const present = pods.get(chosen.metadata.name);
    if (present && (isReady(present) || options.replica !== undefined)) return present.metadata.name;
    chosen =
      pick(
        [...pods.values()].filter(({ status }) => status?.phase === "Running"),
        options.replica,
      ) ?? chosen;
    return chosen.metadata.name;
  };
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (local) => {
    void serve(local, client, namespace, choose(), options.remotePort ?? ports.proxy, either);
  });
  try {
    await listen(server, options.localPort);
    onListening((server.address() as { port: number }).port);
    const aborted = once(either, "abort").then(() => Promise.reject(signal.reason));
    await Promise.race([failed.promise, aborted]);
  } finally {
    stop.abort();
    server.close();
  }
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen({ host: "127.0.0.1", port });
  try {
    await once(server, "listening");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") {
      throw new CortexError("PORT_TAKEN", `port ${port} is in use`, {
        hint: "choose another, or 0 for any that is free",
        cause: error,
      });
    }
    if (code === "EACCES") {
      throw new CortexError("NOT_WRITABLE", `you may not listen on port ${port}`, {
        hint: "choose one above 1023",
        cause: error,
      });
    }
    throw error;
  }
}

async function serve(
  local: Socket,
  client: KubeClient,
  namespace: string,
  pod: string,
  port: number,
  signal: AbortSignal,
): Promise<void> {
  const close = () => local.destroy();
  signal.addEventListener("abort", close, { once: true });
  local.on("error", () => {});
  try {
    const remote = await connectToPod(client, namespace, pod, port, signal);
    remote.on("error", close).on("close", () => local.destroySoon());
    // The replica may go on answering when the near side has said all; when it has gone, so must the far side.
    local.on("close", () => remote.destroy());
    remote.pipe(local);
    local.pipe(remote, { end: false });
    await finished(local, { readable: false, writable: true }).catch(() => {});
  } catch {
    // Whoever connected sees it: a reset is all that can be said on a connection of theirs.
    local.resetAndDestroy();
  } finally {
    signal.removeEventListener("abort", close);
  }
}

async function followPods(
  client: KubeClient,
  namespace: string,
  api: string,
  pods: Map<string, Pod>,
  signal: AbortSignal,
): Promise<void> {
  const options = { namespace, labelSelector: podSelector(api) };
  for await (const event of client.watch<Pod>(resource.pod, options, signal)) {
    if (event.type === "listed") {
      pods.clear();
      for (const pod of event.items) pods.set(pod.metadata.name, pod);
    } else if (event.type === "deleted") pods.delete(event.object.metadata.name);
    else pods.set(event.object.metadata.name, event.object);
  }
}
