import { Agent, type IncomingMessage, type RequestOptions, request } from "node:http";
import { setTimeout as wait } from "node:timers/promises";

export interface LoadOptions {
  readonly url: string;
  readonly ratePerSecond: number;
  /** How long requests are sent; without it, until `until` aborts. */
  readonly durationMs?: number;
  /** Ends the sending early; what is on its way is still waited for. */
  readonly until?: AbortSignal;
  /** Default: POST with a body, else GET. */
  readonly method?: string;
  /** JSON, unless the headers say otherwise. */
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Most kept-alive connections; a request for which none is free waits, and that wait counts. */
  readonly connections: number;
  /** A request without a complete answer after this has failed; default four minutes. */
  readonly timeoutMs?: number;
}

export interface LoadFailure {
  /** When the request was due, milliseconds since the start. */
  readonly at: number;
  /** Missing when no answer began. */
  readonly status?: number;
  /** What happened to the connection, when no complete answer came. */
  readonly error?: string;
  /** The first 2,000 characters of the answer. */
  readonly body?: string;
}

export interface LoadReport {
  readonly sent: number;
  /** Answers with a 2xx status that came whole; `sent` is this and the failures. */
  readonly ok: number;
  readonly failures: readonly LoadFailure[];
  /** Of the answers counted by `ok`, in order of arrival, from when each request was due to its last byte. */
  readonly latenciesMs: readonly number[];
}

const longestBody = 2_000;

/**
 * Sends requests at a fixed rate whatever the answers do, so that a server that stalls is seen by all the requests that
 * were due meanwhile. Nothing is sent twice: an answer that is not 2xx and a broken connection each count as one failure.
 * @returns when every request that was sent has its answer or has failed
 */
export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const { ratePerSecond, durationMs = Number.POSITIVE_INFINITY, until } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: options.connections, scheduling: "fifo" });
  const ok: number[] = [];
  const failures: LoadFailure[] = [];
  const underWay = new Set<Promise<void>>();
  const startedAt = performance.now();
  const sinceStart = () => performance.now() - startedAt;

  const send = async (at: number) => {
    const { failure } = await ask(options, agent).then(
      ({ status, body }) => ({ failure: status >= 200 && status < 300 ? undefined : { at, status, body } }),
      (error: Broken) => ({ failure: { at, ...error.answer, error: error.message } }),
    );
    if (failure) failures.push(failure);
    else ok.push(sinceStart() - at);
  };

  let sent = 0;
  try {
    const intervalMs = 1_000 / ratePerSecond;
    const total = Math.ceil(durationMs / intervalMs);
    while (sent < total && !until?.aborted) {
      for (; sent < total && sent * intervalMs <= sinceStart(); sent += 1) {
        const one = send(sent * intervalMs).finally(() => underWay.delete(one));
        underWay.add(one);
      }
      if (sent < total)
        await wait(Math.max(0, sent * intervalMs - sinceStart()), undefined, { ...(until && { signal: until }) });
    }
  } catch (error) {
    if (!until?.aborted) throw error;
  } finally {
    await Promise.all(underWay);
    agent.destroy();
  }
  return { sent, ok: ok.length, failures, latenciesMs: ok };
}

/** A request without a complete answer; `answer` is as far as it came. */
class Broken extends Error {
  readonly answer: { readonly status?: number; readonly body?: string };

  constructor(message: string, answer: Broken["answer"]) {
    super(message);
    this.answer = answer;
  }
}

/** @throws Broken */
function ask(options: LoadOptions, agent: Agent): Promise<{ status: number; body: string }> {
  const { url, body, headers, method = body === undefined ? "GET" : "POST", timeoutMs = 240_000 } = options;
  const length =
    body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  const settings: RequestOptions = { agent, method, headers: { ...length, ...headers } };
  return new Promise((resolve, reject) => {
    let status: number | undefined;
    let text = "";
    const fail = (error: Error) => {
      clearTimeout(timer);
      reject(new Broken(error.message, { ...(status !== undefined && { status, body: text }) }));
    };
    const outgoing = request(url, settings, (answer: IncomingMessage) => {
      status = answer.statusCode ?? 0;
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => {
        text += chunk.slice(0, longestBody - text.length);
      });
      answer.on("error", fail);
      answer.on("end", () => {
        clearTimeout(timer);
        resolve({ status: status ?? 0, body: text });
      });
    });
    const timer = setTimeout(() => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    outgoing.on("error", fail);
    outgoing.end(body);
  });
}
