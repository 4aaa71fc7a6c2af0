import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { isAllowed } from "../policy-evaluator.ts";
import { askedOfIam } from "./asked-of-iam.ts";
import type { Call, WritableCallLog } from "./call-log.ts";
import { nameOf } from "./call-log.ts";
import type { ClientState } from "./clients.ts";
import type { Unseen } from "./consistency.ts";
import { actionOf, denied, type FaultRule, type FaultSource, refusalOf } from "./faults.ts";
import type { Forwarder } from "./forward.ts";
import { handlerOf, missing } from "./handlers.ts";
import type { HoldSource } from "./holds.ts";
import { isDenied } from "./iam.ts";
import { bodyText, Refused, type Reply, refusal } from "./reply.ts";
import { type AwsRequest, isRead, parseRequest } from "./request.ts";
import type { World } from "./world.ts";

export interface Parts {
  readonly world: World;
  readonly calls: WritableCallLog;
  readonly faults: FaultSource;
  readonly holds: HoldSource;
  readonly unseen: Unseen;
  readonly forwarder: Forwarder;
  readonly clients: ReadonlyMap<string, ClientState>;
  /** Milliseconds of the emulator's time that every answer takes on its way. */
  latencyMs(): number;
  /** How far AWS's clock is ahead of the clients' one. */
  skewMs(): number;
}

/** What becomes of a call: an answer, a broken connection, or nothing for ever. */
type Outcome = Reply | "reset" | "silence";

export interface RunningServer extends AsyncDisposable {
  readonly endpoint: string;
}

export async function startServer(parts: Parts): Promise<RunningServer> {
  const server = createServer((request, response) => void serve(parts, request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { endpoint: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => close(server) };
}

async function serve(parts: Parts, incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const { clock } = parts.world;
  let busy = clock.busy();
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { method = "GET", url = "/", headers } = incoming;
    const request = parseRequest({ method, url, headers, body: Buffer.concat(chunks) });
    const latencyMs = parts.latencyMs();
    if (latencyMs > 0) {
      busy[Symbol.dispose]();
      await clock.sleep(latencyMs, new AbortController().signal);
      busy = clock.busy();
    }
    const held = parts.holds.of(nameOf(request));
    if (held !== undefined) {
      busy[Symbol.dispose]();
      await held;
      busy = clock.busy();
    }
    const outcome = await decide(parts, request);
    if (outcome === "reset") incoming.socket.destroy();
    else if (outcome !== "silence") send(parts, response, request, outcome);
  } catch (error) {
    if (!response.headersSent && !incoming.socket.destroyed) {
      response.writeHead(500, { "content-type": "text/plain" });
      response.end(`the emulator failed: ${error instanceof Error ? error.stack : String(error)}`);
    }
  } finally {
    busy[Symbol.dispose]();
  }
}

async function decide(parts: Parts, request: AwsRequest): Promise<Outcome> {
  const { world, calls, faults, unseen } = parts;
  const client = parts.clients.get(request.accessKey);
  const life = client?.arrive(nameOf(request)) ?? { carryOut: true, answer: true };
  if (!life.carryOut && !life.answer) {
    client?.die();
    return "reset";
  }
  const call = calls.add(request, world.clock.now(), isRead(request));
  const fault = faults.of(request);
  if (fault) call.fault = fault.kind;
  await world.timeline.catchUp();
  const before = client?.hasExpired ? "expired" : fault?.kind;
  if (before === "reset") return "reset";
  const refused = beforehand(parts, request, before) ?? (await unallowed(world, request)) ?? check(unseen, request);
  const reply = refused ? refusal(request, refused) : await carryOut(parts, request, fault);
  note(call, reply);
  if (!life.answer) {
    client?.die();
    return "reset";
  }
  if (refused) return reply;
  if (fault?.kind === "notFoundAfterCreate" && reply.status < 300) unseen.hide(request, reply, fault.unseen ?? 3);
  if (fault?.kind === "lostReply") return "reset";
  if (fault?.kind === "timeout") return "silence";
  return fault?.kind === "notFoundAfterCreate" ? reply : unseen.filter(request, reply);
}

/** @returns why a call is refused before any service looks at it */
function beforehand(parts: Parts, request: AwsRequest, kind: FaultRule["kind"] | undefined): Refused | undefined {
  const { world } = parts;
  const skewed = skewOf(request, parts.skewMs());
  if (skewed) return skewed;
  if (isDenied(world.options.denied, actionOf(request))) return denied(request, world.caller);
  return kind === undefined ? undefined : refusalOf(kind, request, world.caller);
}

async function unallowed(world: World, request: AwsRequest): Promise<Refused | undefined> {
  const { policies, refused } = world.rights;
  if (policies === undefined) return undefined;
  const all = (await askedOfIam(request, world)).filter((one) => !isAllowed(policies, one));
  refused.push(...all.map((one) => JSON.stringify(one)));
  return all.length === 0 ? undefined : denied(request, world.caller);
}

function check(unseen: Unseen, request: AwsRequest): Refused | undefined {
  try {
    unseen.check(request);
    return undefined;
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
}

async function carryOut(
  { world, forwarder }: Parts,
  request: AwsRequest,
  fault: FaultRule | undefined,
): Promise<Reply> {
  const handling = {
    request,
    world,
    region: world.in(request.region),
    moto: world.moto(request.region),
    isScarce: fault?.kind === "capacity",
    forward: async (changed = request) => {
      const reply = await forwarder.forward(changed, world.account);
      // moto's own failures and what it has not are pages for people.
      if (!String(reply.headers["content-type"]).startsWith("text/html")) return reply;
      return reply.status < 400 ? reply : missing(request.service, request.operation, bodyText(reply).slice(0, 500));
    },
  };
  try {
    return await handlerOf(request)(handling);
  } catch (error) {
    if (error instanceof Refused) return refusal(request, error);
    throw error;
  }
}

/** AWS takes signatures for five minutes. */
const toleratedSkewMs = 5 * 60_000;

function skewOf({ protocol, headers }: AwsRequest, skewMs: number): Refused | undefined {
  const signedAt = String(headers["x-amz-date"] ?? "").replace(
    /^(\d{4})(\d\d)(\d\dT\d\d)(\d\d)(\d\dZ)$/,
    "$1-$2-$3:$4:$5",
  );
  if (skewMs === 0 || Math.abs(Date.now() + skewMs - Date.parse(signedAt)) <= toleratedSkewMs) return undefined;
  if (protocol === "ec2") return new Refused("RequestExpired", "Request has expired.");
  if (protocol === "s3") {
    return new Refused(
      "RequestTimeTooSkewed",
      "The difference between the request time and the current time is too large.",
      403,
    );
  }
  const code = protocol === "query" ? "SignatureDoesNotMatch" : "InvalidSignatureException";
  return new Refused(code, `Signature expired: ${signedAt} is now earlier than allowed`, 403);
}

function note(call: Call, reply: Reply): void {
  call.status = reply.status;
  if (reply.status < 400) return;
  const text = bodyText(reply);
  const code =
    reply.headers["x-amzn-errortype"] ?? /<Code>([^<]+)</.exec(text)?.[1] ?? /"__type": ?"([^"]+)"/.exec(text)?.[1];
  call.error = code ?? String(reply.status);
}

function send(parts: Parts, response: ServerResponse, { method }: AwsRequest, { status, headers, body }: Reply): void {
  const skewMs = parts.skewMs();
  const now = skewMs === 0 ? parts.world.clock.now() : Date.now() + skewMs;
  const own = { "x-amzn-requestid": crypto.randomUUID(), date: new Date(now).toUTCString() };
  const { "content-length": _, ...rest } = headers;
  response.writeHead(status, {
    ...rest,
    ...own,
    ...(method !== "HEAD" && { "content-length": Buffer.byteLength(body) }),
  });
  response.end(method === "HEAD" ? undefined : body);
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
