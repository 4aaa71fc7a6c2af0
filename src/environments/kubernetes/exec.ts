import type { ExecOptions, ExecStreams } from "../../core/environment.ts";
import { CortexError } from "../../core/errors.ts";
import type { KubeClient, KubeSocket } from "../../kubernetes/kube-client.ts";
import { choosePod, podPath, type ReplicaChoice } from "./choose-pod.ts";
import type { Pod } from "./shapes.ts";

/** The first byte of a message says what it belongs to. */
const channel = { stdin: 0, stdout: 1, stderr: 2, status: 3, size: 4, close: 255 } as const;
/** The first knows how to end standard input; servers before 1.30 speak the second only. */
const protocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
const handlerContainer = "api";
/** The most that one message carries, in bytes. */
const mostBytes = 32 * 1024;

/**
 * Runs a command in a container of one replica.
 * @returns its exit status
 * @throws FAILED when it cannot be started, or there is no such replica or container; NOT_AUTHORISED; CLUSTER_UNREACHABLE
 */
export async function execInReplica(
  client: KubeClient,
  namespace: string,
  api: string,
  options: ExecOptions & ReplicaChoice,
  streams: ExecStreams,
  signal: AbortSignal,
): Promise<number> {
  const pod = await choosePod(client, namespace, api, options, signal);
  const container = containerOf(pod, options.container);
  const parameters = new URLSearchParams({
    container,
    stdout: "true",
    ...(streams.stdin && { stdin: "true" }),
    // A terminal has one output.
    ...(options.isTerminal ? { tty: "true" } : { stderr: "true" }),
  });
  for (const word of options.command) parameters.append("command", word);
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  const path = `${podPath(namespace, pod.metadata.name, "exec")}?${parameters}`;
  const socket = await client.openSocket(path, protocols, either);
  try {
    const sending = [sendInput(socket, streams, either), sendSizes(socket, streams, either)];
    // What cannot be sent any more is no error: the command may end before its input does.
    for (const one of sending) one.catch(() => {});
    const status = await receive(socket, streams);
    signal.throwIfAborted();
    return exitStatusOf(status, options.command[0] ?? "", pod.metadata.name);
  } finally {
    ended.abort();
  }
}

function containerOf(pod: Pod, wanted: string | undefined): string {
  const users = pod.spec.containers.map(({ name }) => name);
  if (wanted === undefined) return users.includes(handlerContainer) ? handlerContainer : users[0]!;
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  const names = [...users, ...sidecars.map(({ name }) => name)];
  if (names.includes(wanted)) return wanted;
  throw new CortexError("FAILED", `${pod.metadata.name} has no container ${wanted}`, {
    hint: `it has ${names.join(", ")}`,
  });
}

/** What the server says of how it ended. */
interface ExecStatus {
  readonly status?: "Success" | "Failure";
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string }[] };
}

async function receive(socket: KubeSocket, streams: ExecStreams): Promise<ExecStatus | undefined> {
  let status = "";
  for await (const message of socket.messages) {
    const content = message.subarray(1);
    if (content.length === 0) continue;
    if (message[0] === channel.stdout) await streams.stdout(content);
    else if (message[0] === channel.stderr) await streams.stderr(content);
    else if (message[0] === channel.status) status += Buffer.from(content).toString("utf8");
  }
  return status === "" ? undefined : (JSON.parse(status) as ExecStatus);
}

async function sendInput(socket: KubeSocket, { stdin }: ExecStreams, signal: AbortSignal): Promise<void> {
  if (!stdin) return;
  for await (const chunk of stdin) {
    for (let at = 0; at < chunk.length; at += mostBytes) {
      if (signal.aborted) return;
      await socket.send(onChannel(channel.stdin, chunk.subarray(at, at + mostBytes)));
    }
  }
  if (socket.protocol === "v5.channel.k8s.io") await socket.send(Uint8Array.of(channel.close, channel.stdin));
}

async function sendSizes(socket: KubeSocket, { sizes }: ExecStreams, signal: AbortSignal): Promise<void> {
  for await (const { columns, rows } of sizes ?? []) {
    if (signal.aborted) return;
    await socket.send(onChannel(channel.size, Buffer.from(JSON.stringify({ Width: columns, Height: rows }))));
  }
}

function onChannel(number: number, content: Uint8Array): Uint8Array {
  const message = new Uint8Array(content.length + 1);
  message[0] = number;
  message.set(content, 1);
  return message;
}

function exitStatusOf(status: ExecStatus | undefined, command: string, pod: string): number {
  if (status?.status === "Success") return 0;
  const code = status?.details?.causes?.find(({ reason }) => reason === "ExitCode")?.message;
  if (code !== undefined && /^\d+$/.test(code)) return Number(code);
  const message = status?.message ?? "the connection ended before the command did";
  if (/executable file not found|no such file or directory/.test(message)) {
    throw new CortexError("FAILED", `${pod} has no program ${command}`, {
      hint: "images without a shell have few programs: name one that is there",
    });
  }
  throw new CortexError("FAILED", `cannot run ${command} in ${pod}: ${message}`);
}
