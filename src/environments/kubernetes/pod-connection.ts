import { Duplex } from "node:stream";
import { CortexError } from "../../core/errors.ts";
import type { KubeClient, KubeSocket } from "../../kubernetes/kube-client.ts";
import { podPath } from "./choose-pod.ts";

const data = 0;
const problem = 1;
/** The most that one message carries, in bytes. */
const mostBytes = 32 * 1024;

/**
 * A connection to a port of a pod, through the API server. It can say what went wrong, and cannot be closed in one direction
 * only: when the near side has said all, the far side does not hear of it.
 * @throws KubeError when it is refused
 */
export async function connectToPod(
  client: KubeClient,
  namespace: string,
  pod: string,
  port: number,
  signal: AbortSignal,
): Promise<Duplex> {
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  const path = `${podPath(namespace, pod, "portforward")}?ports=${port}`;
  const socket = await client.openSocket(path, ["v4.channel.k8s.io"], either);
  return asDuplex(socket, `port ${port} of ${pod}`, () => ended.abort());
}

function asDuplex(socket: KubeSocket, what: string, end: () => void): Duplex {
  const source = contents(socket, what);
  let isReading = false;
  const pull = async (stream: Duplex) => {
    if (isReading) return;
    isReading = true;
    try {
      for (;;) {
        const next = await source.next();
        if (next.done) {
          stream.push(null);
          return;
        }
        if (!stream.push(next.value)) return;
      }
    } catch (error) {
      stream.destroy(error as Error);
    } finally {
      isReading = false;
    }
  };
  return new Duplex({
    allowHalfOpen: true,
    read() {
      void pull(this);
    },
    write(chunk: Buffer, _encoding, done) {
      void sendAll(socket, chunk).then(() => done(), done);
    },
    destroy(error, done) {
      end();
      done(error);
    },
  });
}

async function sendAll(socket: KubeSocket, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length; at += mostBytes) {
    const part = chunk.subarray(at, at + mostBytes);
    const message = new Uint8Array(part.length + 1);
    message[0] = data;
    message.set(part, 1);
    await socket.send(message);
  }
}

/** The first message of either channel only repeats the port. */
async function* contents(socket: KubeSocket, what: string): AsyncGenerator<Uint8Array> {
  const begun = new Set<number>();
  for await (const message of socket.messages) {
    const channel = message[0]!;
    const content = message.subarray(begun.has(channel) ? 1 : 3);
    begun.add(channel);
    if (content.length === 0) continue;
    if (channel === data) yield content;
    else if (channel === problem) throw failure(Buffer.from(content).toString("utf8").trim(), what);
  }
}

function failure(text: string, what: string): CortexError {
  const why = /connection refused/.test(text) ? "nothing listens there" : text;
  return new CortexError("REQUEST_FAILED", `cannot connect to ${what}: ${why}`);
}
