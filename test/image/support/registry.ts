import { createHash, randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Asked {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly authorization: string | undefined;
  /** Of the body, as far as it came. */
  bytes: number;
}

export interface TestRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly asked: Asked[];
  readonly blobs: Map<string, Buffer>;
  /** By `NAME:REFERENCE`. */
  readonly manifests: Map<string, { type: string; body: Buffer }>;
  /** Which repositories know a blob: `NAME@DIGEST`. */
  readonly known: Set<string>;
  /** Answers a request in the registry's place; @returns whether it did. */
  fault: (request: IncomingMessage, response: ServerResponse, asked: Asked) => boolean | Promise<boolean>;
  /** @returns after how many bytes of its body to cut the connection of a request; undefined: not */
  cutAfter: (asked: Asked) => number | undefined;
  /** All bytes that came in bodies. */
  received(): number;
}

export interface RegistryOptions {
  /** How it wants to know who asks. */
  readonly login?: "basic" | "bearer";
  readonly username?: string;
  readonly password?: string;
  /** Whether whoever does not say who they are may read. */
  readonly isPublic?: boolean;
  readonly canMount?: boolean;
  /** Whether what has arrived of a broken upload is kept. */
  readonly keepsParts?: boolean;
}

/** A registry in memory that speaks the distribution API, and can be told to misbehave. */
export async function testRegistry(options: RegistryOptions = {}): Promise<TestRegistry> {
  const { username = "anna", password = "secret" } = options;
  const blobs = new Map<string, Buffer>();
  const manifests: TestRegistry["manifests"] = new Map();
  const known = new Set<string>();
  const uploads = new Map<string, Buffer>();
  const asked: Asked[] = [];
  const tokens = new Map<string, string>();
  let host = "";

  const server = createServer(async (request, response) => {
    const one: Asked = {
      method: request.method!,
      path: request.url!,
      authorization: request.headers.authorization,
      bytes: 0,
    };
    asked.push(one);
    request.on("error", () => {});
    if (await registry.fault(request, response, one)) return;
    try {
      await answer(request, response, one);
    } catch {
      response.destroy();
    }
  });

  const reply = (response: ServerResponse, status: number, headers: Record<string, string> = {}, body = "") =>
    response.writeHead(status, { ...headers, "content-length": String(Buffer.byteLength(body)) }).end(body);
  const refuse = (response: ServerResponse, status: number, code: string, headers = {}) =>
    reply(response, status, headers, JSON.stringify({ errors: [{ code, message: code.toLowerCase() }] }));

  const read = async (request: IncomingMessage, one: Asked, keep: (chunk: Buffer) => void) => {
    const most = registry.cutAfter(one) ?? Number.POSITIVE_INFINITY;
    for await (const chunk of request) {
      one.bytes += (chunk as Buffer).length;
      keep(chunk as Buffer);
      if (one.bytes > most) request.destroy();
    }
  };

  async function answer(request: IncomingMessage, response: ServerResponse, one: Asked): Promise<void> {
    const url = new URL(request.url!, `http://${host}`);
    if (url.pathname === "/token") return giveToken(request, response, one, url);
    const wanted = /^\/v2\/(.+?)\/(blobs|manifests|tags)\/(.*)$/.exec(url.pathname);
    if (!wanted) return void reply(response, 404);
    const [, name = "", kind = "", rest = ""] = wanted;
    const isReading = request.method === "GET" || request.method === "HEAD";
    if (!isAllowed(request, name, isReading)) {
      request.resume();
      const realm =
        options.login === "basic"
          ? 'Basic realm="test"'
          : `Bearer realm="http://${host}/token",service="test",scope="repository:${name}:${isReading ? "pull" : "pull,push"}"`;
      return void refuse(response, 401, "UNAUTHORIZED", { "www-authenticate": realm });
    }
    if (kind === "tags") return void (isReading ? reply(response, 200, {}, "{}") : reply(response, 405));
    if (kind === "manifests") return manifest(request, response, one, name, rest);
    if (rest.startsWith("uploads/")) return upload(request, response, one, name, rest.slice(8), url);
    const blob = known.has(`${name}@${rest}`) ? blobs.get(rest) : undefined;
    if (!blob) return void refuse(response, 404, "BLOB_UNKNOWN");
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    response.writeHead(from > 0 ? 206 : 200, { "content-length": String(blob.length - from) });
    response.end(request.method === "HEAD" ? undefined : blob.subarray(from));
  }

  function isAllowed({ headers }: IncomingMessage, name: string, isReading: boolean): boolean {
    if (!options.login || (options.isPublic && isReading && options.login === "basic")) return true;
    const [scheme, value = ""] = (headers.authorization ?? "").split(" ");
    if (options.login === "basic") {
      return scheme === "Basic" && Buffer.from(value, "base64").toString() === `${username}:${password}`;
    }
    const scopes = tokens.get(value)?.split(" ") ?? [];
    return scopes.some((scope) => scope.startsWith(`repository:${name}:`) && (isReading || scope.includes("push")));
  }

  async function giveToken(request: IncomingMessage, response: ServerResponse, one: Asked, url: URL): Promise<void> {
    let form = "";
    await read(request, one, (chunk) => {
      form += chunk;
    });
    const fields = new URLSearchParams(form);
    const basic = Buffer.from((request.headers.authorization ?? "").split(" ")[1] ?? "", "base64").toString();
    const isKnown = basic === `${username}:${password}` || fields.get("refresh_token") === password;
    const isSomebody = request.headers.authorization !== undefined || form !== "";
    if (isSomebody ? !isKnown : !options.isPublic) return void refuse(response, 401, "UNAUTHORIZED");
    const scopes = form === "" ? url.searchParams.getAll("scope") : (fields.get("scope") ?? "").split(" ");
    const granted = scopes.map((scope) => (isKnown ? scope : scope.replace(/:[^:]*$/, ":pull")));
    const token = randomUUID();
    tokens.set(token, granted.join(" "));
    reply(response, 200, { "content-type": "application/json" }, JSON.stringify({ token }));
  }

  async function manifest(
    request: IncomingMessage,
    response: ServerResponse,
    one: Asked,
    name: string,
    reference: string,
  ): Promise<void> {
    if (request.method === "PUT") {
      const chunks: Buffer[] = [];
      await read(request, one, (chunk) => chunks.push(chunk));
      const body = Buffer.concat(chunks);
      const json = JSON.parse(body.toString()) as { config: { digest: string }; layers: { digest: string }[] };
      const isWhole = [json.config, ...json.layers].every(({ digest }) => known.has(`${name}@${digest}`));
      if (!isWhole) return void refuse(response, 400, "MANIFEST_BLOB_UNKNOWN");
      const type = request.headers["content-type"]!;
      for (const key of [reference, digestOf(body)]) manifests.set(`${name}:${key}`, { type, body });
      return void reply(response, 201, { "docker-content-digest": digestOf(body) });
    }
    const found = manifests.get(`${name}:${reference}`);
    if (!found) return void refuse(response, 404, "MANIFEST_UNKNOWN");
    const { type, body } = found;
    const headers = { "content-type": type, "docker-content-digest": digestOf(body) };
    response.writeHead(200, { ...headers, "content-length": String(body.length) });
    response.end(request.method === "HEAD" ? undefined : body);
  }

  async function upload(
    request: IncomingMessage,
    response: ServerResponse,
    one: Asked,
    name: string,
    id: string,
    url: URL,
  ): Promise<void> {
    const at = (key: string) => ({ location: `/v2/${name}/blobs/uploads/${key}?_state=a%2Bb` });
    if (request.method === "POST") {
      const digest = url.searchParams.get("mount");
      if (digest && options.canMount !== false && known.has(`${url.searchParams.get("from")}@${digest}`)) {
        known.add(`${name}@${digest}`);
        return void reply(response, 201);
      }
      const key = randomUUID();
      uploads.set(key, Buffer.alloc(0));
      return void reply(response, 202, at(key));
    }
    const before = uploads.get(id);
    if (before === undefined || url.searchParams.get("_state") !== "a+b") {
      request.resume();
      return void refuse(response, 404, "BLOB_UPLOAD_UNKNOWN");
    }
    if (request.method === "GET") {
      return void reply(response, 204, { ...at(id), range: `0-${Math.max(0, before.length - 1)}` });
    }
    const start = /^(\d+)-/.exec(request.headers["content-range"] ?? "")?.[1];
    if (start !== undefined && Number(start) !== before.length) {
      request.resume();
      return void refuse(response, 416, "RANGE_INVALID");
    }
    const chunks = [before];
    try {
      await read(request, one, (chunk) => chunks.push(chunk));
    } finally {
      if (request.complete || options.keepsParts) uploads.set(id, Buffer.concat(chunks));
      else uploads.delete(id);
    }
    const content = Buffer.concat(chunks);
    if (request.method === "PATCH") return void reply(response, 202, { ...at(id), range: `0-${content.length - 1}` });
    const digest = url.searchParams.get("digest")!;
    if (digestOf(content) !== digest) return void refuse(response, 400, "DIGEST_INVALID");
    uploads.delete(id);
    blobs.set(digest, content);
    known.add(`${name}@${digest}`);
    reply(response, 201);
  }

  const registry: TestRegistry = {
    get host() {
      return host;
    },
    asked,
    blobs,
    manifests,
    known,
    fault: () => false,
    cutAfter: () => undefined,
    received: () => asked.reduce((sum, { bytes }) => sum + bytes, 0),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return registry;
}

export function digestOf(content: Buffer): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}
