import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { connect } from "../../../src/kubernetes/connect.ts";
import type { KubeClient } from "../../../src/kubernetes/kube-client.ts";
import { writeKubeconfig } from "../../support/cluster.ts";

export type Speech = "http" | "https" | "h2";

export interface Exchange {
  readonly method: string;
  /** Path and query. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  json(status: number, value: unknown, headers?: Readonly<Record<string, string>>): void;
  /** Begins an answer that goes on. */
  begin(): void;
  write(chunk: string): Promise<void>;
  end(): void;
  /** Ends the connection without a word. */
  reset(): void;
}

export interface ScriptedServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** PEM of the certificate that the server shows. */
  readonly certificate: string;
  readonly requests: Exchange[];
  readonly client: KubeClient;
  /** Ends all connections, as a restart does. */
  dropAll(): void;
}

/** An API server that answers as `answer` says; TLS with a certificate of its own, made for this run. */
export async function scriptedServer(
  speech: Speech,
  answer: (exchange: Exchange, index: number) => void | Promise<void>,
): Promise<ScriptedServer> {
  const folder = await mkdtemp(join(tmpdir(), "cortex-test-"));
  const { key, certificate } = speech === "http" ? { key: "", certificate: "" } : await makeCertificate(folder);
  const requests: Exchange[] = [];
  const handle = async (
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
  ) => {
    const exchange = exchangeOf(request, response as ServerResponse, await text(request));
    requests.push(exchange);
    await answer(exchange, requests.length - 1);
  };
  const server =
    speech === "http"
      ? createServer(handle)
      : speech === "https"
        ? createTlsServer({ key, cert: certificate }, handle)
        : createSecureServer({ key, cert: certificate }, handle);
  const sockets = new Set<Socket>();
  server.on(speech === "http" ? "connection" : "secureConnection", (socket: Socket) => {
    sockets.add(socket.once("close", () => sockets.delete(socket)));
    socket.on("error", () => {});
  });
  server.on("sessionError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const url = `${speech === "http" ? "http" : "https"}://127.0.0.1:${port}`;
  const file = join(folder, "config");
  await writeKubeconfig(file, {
    server: url,
    ...(certificate && { authority: certificate }),
    user: { token: "s3cret" },
  });
  const client = await connect({ variables: { KUBECONFIG: file }, home: folder }, new AbortController().signal);
  const dropAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port,
    url,
    certificate,
    requests,
    client,
    dropAll,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      dropAll();
      server.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** @returns PEM of a key and of a certificate for 127.0.0.1 that signs itself */
export async function makeCertificate(
  folder: string,
  days = 2,
): Promise<{ readonly key: string; readonly certificate: string }> {
  const [keyFile, certificateFile] = [join(folder, "server.key"), join(folder, "server.crt")];
  const subject = ["-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const made = ["req", "-x509", ...curve, "-keyout", keyFile, "-out", certificateFile, "-days", `${days}`, ...subject];
  execFileSync("openssl", made, { stdio: "ignore" });
  return { key: await readFile(keyFile, "utf8"), certificate: await readFile(certificateFile, "utf8") };
}

function exchangeOf(request: IncomingMessage | Http2ServerRequest, response: ServerResponse, body: string): Exchange {
  return {
    method: request.method ?? "",
    url: new URL(request.url ?? "", "http://server"),
    headers: request.headers,
    body,
    json(status, value, headers = {}) {
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(JSON.stringify(value));
    },
    begin: () => {
      response.writeHead(200, { "content-type": "application/json" });
    },
    write: (chunk) => new Promise((written) => response.write(chunk, () => written())),
    end: () => {
      response.end();
    },
    reset() {
      const { stream } = request as Http2ServerRequest;
      (stream?.session?.socket ?? request.socket).destroy();
    },
  };
}
