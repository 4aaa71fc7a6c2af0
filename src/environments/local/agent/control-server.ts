import { once } from "node:events";
import { rename, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { setInterval as every } from "node:timers/promises";
import type { LogOptions } from "../../../core/environment.ts";
import { CortexError, type ErrorCode, errorToJson } from "../../../core/errors.ts";
import type { Agent } from "./agent.ts";
import type { AgentInfo, OpenGateway, Refresh, Replace, RollBack, RollOut, StreamFailure } from "./protocol.ts";

export interface ControlPorts {
  readonly agent: Agent;
  info(): AgentInfo;
  /** Makes the gateway listen: at `port`, or where it should be. @throws PORT_TAKEN */
  openGateway(port: number | undefined): Promise<void>;
  replace(program: readonly string[]): Promise<AgentInfo>;
  /** A request begins (+1) or is over (-1): an agent that is asked something does not leave. */
  onActivity(change: 1 | -1): void;
}

export interface ControlServer {
  /** Listens once more, where somebody else may have listened meanwhile. */
  reopen(): Promise<void>;
  close(): Promise<void>;
}

/** Largest request body taken: a spec with its environment values. */
const maxBodyBytes = 8 * 2 ** 20;
/** A list that is watched is sent again this often, for its rates. */
const watchMs = 2_000;

const httpStatuses: Partial<Record<ErrorCode, number>> = {
  API_NOT_FOUND: 404,
  REVISION_NOT_FOUND: 404,
  CONFLICT: 409,
  AGENT_REPLACED: 409,
};

/** Answers the CLI at `address` (a unix socket or named pipe); protocol.ts says what is asked. */
export async function startControlServer(address: string, ports: ControlPorts): Promise<ControlServer> {
  const servers: Server[] = [];
  const open = async () => {
    const server = createServer((request, response) => {
      ports.onActivity(1);
      response.once("close", () => ports.onActivity(-1));
      answer(request, response, ports).catch((error: unknown) => sendError(response, error));
    });
    await listen(server, address);
    servers.push(server);
  };
  await open();
  return {
    async reopen() {
      servers.at(-1)?.close();
      await open();
    },
    async close() {
      await Promise.all(servers.map(closeAtOnce));
    },
  };
}

async function closeAtOnce(server: Server): Promise<void> {
  const closed = server.listening ? once(server, "close") : undefined;
  server.close();
  server.closeAllConnections();
  await closed;
}

/** Binds under a name of its own and renames: whoever connects meets the old agent or the new one, never nobody. */
async function listen(server: Server, address: string): Promise<void> {
  if (process.platform === "win32") {
    server.listen(address);
    await once(server, "listening");
    return;
  }
  const own = `${address}.${process.pid}`;
  await rm(own, { force: true });
  server.listen(own);
  await once(server, "listening");
  await rename(own, address);
}

async function answer(request: IncomingMessage, response: ServerResponse, ports: ControlPorts): Promise<void> {
  const { agent } = ports;
  const url = new URL(request.url ?? "/", "http://agent");
  const [, , collection, name, verb] = url.pathname.split("/").map(decodeURIComponent);
  const signal = hangUpSignal(response);
  const body = <T>() => readJson<T>(request);
  switch (
    `${request.method} ${collection}${name === undefined ? "" : collection === "agent" ? `/${name}` : "/NAME"}${verb ? `/${verb}` : ""}`
  ) {
    case "GET agent":
      return sendJson(response, ports.info());
    case "PUT agent/gateway":
      await ports.openGateway((await body<OpenGateway>()).port);
      return sendJson(response, ports.info());
    case "POST agent/replace":
      return sendJson(response, await ports.replace((await body<Replace>()).program));
    case "GET apis":
      return url.searchParams.has("watch")
        ? sendLines(response, watch(agent, signal), signal)
        : sendJson(response, agent.list());
    case "PUT apis/NAME":
      return sendLines(response, (await agent.rollOut(await body<RollOut>())).read(signal), signal);
    case "POST apis/NAME/rollback":
      return sendLines(response, (await agent.rollBack(name!, await body<RollBack>())).read(signal), signal);
    case "POST apis/NAME/refresh":
      return sendLines(response, (await agent.refresh(name!, await body<Refresh>())).read(signal), signal);
    case "GET apis/NAME/revisions":
      return sendJson(response, agent.revisions(name!));
    case "GET apis/NAME/logs": {
      const options = JSON.parse(url.searchParams.get("options") ?? "{}") as LogOptions;
      return sendLines(response, agent.logs(name!, options, signal), signal);
    }
    case "DELETE apis/NAME":
      await agent.remove(name!, url.searchParams.has("keepCache"));
      return sendJson(response, {});
    default:
      throw new CortexError("NOT_SUPPORTED", `the agent does not know ${request.method} ${url.pathname}`, {
        hint: "an older agent runs: it is replaced by the next cortex deploy",
      });
  }
}

async function* watch(agent: Agent, signal: AbortSignal): AsyncGenerator<unknown> {
  const timer = new AbortController();
  let changed = Promise.withResolvers<void>();
  const wake = () => changed.resolve();
  const stopListening = agent.onChange(wake);
  const ticking = (async () => {
    for await (const _ of every(watchMs, undefined, { signal: timer.signal, ref: false })) wake();
  })().catch(() => {});
  signal.addEventListener("abort", wake, { once: true });
  try {
    while (!signal.aborted) {
      yield agent.list();
      await changed.promise;
      changed = Promise.withResolvers();
    }
  } finally {
    stopListening();
    timer.abort();
    await ticking;
  }
}

/** Aborts when the client is gone before it has its answer. */
function hangUpSignal(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once("close", () => controller.abort(new CortexError("INTERRUPTED", "the client hung up")));
  return controller.signal;
}

async function readJson<T>(request: IncomingMessage): Promise<T> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) throw new CortexError("SPEC_INVALID", `the request is larger than ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  return JSON.parse(Buffer.concat(chunks).toString("utf8")) as T;
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(value));
}

/** One JSON value per line, as they come; an error that comes later is the last line. */
async function sendLines(response: ServerResponse, values: AsyncIterable<unknown>, signal: AbortSignal): Promise<void> {
  response.setHeader("content-type", "application/x-ndjson");
  response.flushHeaders();
  try {
    for await (const value of values) {
      if (!response.write(`${JSON.stringify(value)}\n`)) await once(response, "drain", { signal });
    }
  } catch (error) {
    if (signal.aborted) return;
    const failure: StreamFailure = { type: "error", error: errorToJson(error) };
    response.write(`${JSON.stringify(failure)}\n`);
  }
  response.end();
}

function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const json = errorToJson(error);
  response.statusCode = (error instanceof CortexError && httpStatuses[error.code]) || 500;
  sendJson(response, { type: "error", error: json });
}
