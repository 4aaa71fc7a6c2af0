import { type IncomingMessage, request } from "node:http";
import { createInterface } from "node:readline";
import { CortexError, type ErrorJson, errorFromJson } from "../../core/errors.ts";

/** How the CLI speaks to the agent at one address. Holds nothing between calls. */
export interface AgentClient {
  /** @throws what the agent answers with, or `AgentAbsent` */
  json<T>(method: string, path: string, signal: AbortSignal, body?: unknown): Promise<T>;
  /** Yields one value per line until the agent ends the stream. @throws as `json`, also in the middle */
  lines<T>(method: string, path: string, signal: AbortSignal, body?: unknown): AsyncGenerator<T>;
}

/** Nobody answers at the address, or whoever did left before its answer was whole: the same request may be made again. */
export class AgentAbsent extends Error {}

export function agentClient(address: string): AgentClient {
  return {
    async json<T>(method: string, path: string, signal: AbortSignal, body?: unknown) {
      const response = await send(address, method, path, signal, body);
      return JSON.parse(await readText(response, signal)) as T;
    },
    async *lines<T>(method: string, path: string, signal: AbortSignal, body?: unknown) {
      const response = await send(address, method, path, signal, body);
      let isWhole = false;
      response.once("end", () => {
        isWhole = true;
      });
      // An error of the response ends the lines early; what it was is told apart below.
      response.on("error", () => {});
      for await (const line of createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY })) {
        const value = JSON.parse(line) as { type?: string; error?: ErrorJson };
        if (value.type === "error" && value.error) throw errorFromJson(value.error);
        yield value as T;
      }
      signal.throwIfAborted();
      if (!isWhole) {
        throw new CortexError("AGENT_FAILED", "the agent went away in the middle of an answer", {
          hint: "run the same command again: what was deployed comes back",
        });
      }
    },
  };
}

/** Without it Node works out a name for TLS, which takes milliseconds and means nothing on a socket of this machine. */
const noServerName = { servername: "" };

async function send(
  address: string,
  method: string,
  path: string,
  signal: AbortSignal,
  body: unknown,
): Promise<IncomingMessage> {
  const answered = Promise.withResolvers<IncomingMessage>();
  const text = body === undefined ? undefined : JSON.stringify(body);
  const sent = request({
    socketPath: address,
    method,
    path: `/v1${path}`,
    headers:
      text === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) },
    // The agent answers at once and keeps streams open; one connection per request is the simplest that is right.
    agent: false,
    ...noServerName,
    signal,
  });
  sent.once("response", answered.resolve);
  sent.once("error", (error) => answered.reject(signal.aborted ? signal.reason : asAbsence(error, address)));
  sent.end(text);
  const response = await answered.promise;
  if (response.statusCode === 200) return response;
  const { error } = JSON.parse(await readText(response, signal)) as { error: ErrorJson };
  throw errorFromJson(error);
}

function asAbsence(error: Error, address: string): Error {
  const code = (error as NodeJS.ErrnoException).code ?? "";
  if (code === "EACCES" || code === "EPERM") {
    return new CortexError("NOT_AUTHORISED", `the agent's socket ${address} belongs to another user`, {
      hint: "set CORTEX_HOME to a folder of your own",
    });
  }
  return ["ENOENT", "ECONNREFUSED", "ECONNRESET", "EPIPE"].includes(code)
    ? new AgentAbsent(code, { cause: error })
    : new CortexError("AGENT_FAILED", `the agent does not answer: ${error.message}`, { cause: error });
}

async function readText(response: IncomingMessage, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  } catch (error) {
    signal.throwIfAborted();
    throw new AgentAbsent("it went away in the middle of an answer", { cause: error });
  }
  return Buffer.concat(chunks).toString("utf8");
}
