import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, getCACertificates, type TLSSocket } from "node:tls";
import type { ClientCertificate } from "./credentials.ts";
import { bareHost } from "./proxy.ts";
import type { TlsSettings } from "./target.ts";
import { httpTunnel, socksTunnel } from "./tunnel.ts";

export interface DialOptions {
  readonly server: URL;
  readonly tls: TlsSettings;
  readonly proxy: URL | undefined;
  readonly certificate: ClientCertificate | undefined;
  /** What to speak, the best first. */
  readonly protocols: readonly ("h2" | "http/1.1")[];
}

/** How long a connection may take to come about, and a handshake over it, in milliseconds. */
const connectMs = 3_000;
const handshakeMs = 6_000;

/** @returns an open connection to the API server, encrypted when its URL says so. @throws the system's error, or the reason of `signal` */
export async function dial(options: DialOptions, signal: AbortSignal): Promise<Socket | TLSSocket> {
  const { server, proxy } = options;
  const host = bareHost(server);
  const port = Number(server.port) || (server.protocol === "https:" ? 443 : 80);
  const socket = proxy ? await throughProxy(proxy, host, port, signal) : await tcp(host, port, signal);
  if (server.protocol === "http:") return socket;
  try {
    return await handshake(socket, host, options, options.tls.authorities, signal);
  } catch (error) {
    socket.destroy();
    if (options.tls.authorities !== undefined || !isUntrusted(error)) throw error;
  }
  // Node knows the authorities of the web; those of the system cost time to read, and few clusters need them.
  const again = proxy ? await throughProxy(proxy, host, port, signal) : await tcp(host, port, signal);
  const trusted = [...getCACertificates("default"), ...getCACertificates("system")];
  try {
    return await handshake(again, host, options, trusted, signal);
  } catch (error) {
    again.destroy();
    throw error;
  }
}

function isUntrusted(error: unknown): boolean {
  return /SELF_SIGNED|UNABLE_TO_/.test((error as NodeJS.ErrnoException).code ?? "");
}

async function tcp(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  const socket = connectTcp({
    host,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 30_000,
    autoSelectFamilyAttemptTimeout: 1_000,
  });
  await opened(socket, "connect", connectMs, signal);
  return socket;
}

async function throughProxy(proxy: URL, host: string, port: number, signal: AbortSignal): Promise<Socket> {
  const kind = proxy.protocol;
  const proxyPort = Number(proxy.port) || (kind === "https:" ? 443 : kind === "http:" ? 80 : 1080);
  let socket = await tcp(bareHost(proxy), proxyPort, signal);
  try {
    if (kind === "https:") {
      const name = bareHost(proxy);
      socket = connectTls({ socket, ...(isIP(name) === 0 && { servername: name }), host: name });
      await opened(socket, "secureConnect", handshakeMs, signal);
    }
    const tunnel = kind.startsWith("socks") ? socksTunnel : httpTunnel;
    await within(tunnel(socket, proxy, host, port), handshakeMs, signal);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function handshake(
  socket: Socket,
  host: string,
  { tls, certificate, protocols }: DialOptions,
  authorities: string | readonly string[] | undefined,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const name = tls.serverName ?? host;
  const secured = connectTls({
    socket,
    host: name,
    ...(isIP(name) === 0 && { servername: name }),
    ...(authorities !== undefined && { ca: authorities as string | string[] }),
    ...(certificate && { cert: certificate.certificate, key: certificate.key }),
    rejectUnauthorized: !tls.isUnverified,
    ALPNProtocols: [...protocols],
  });
  await opened(secured, "secureConnect", handshakeMs, signal);
  return secured;
}

/** Waits for `event`. Otherwise destroys `socket` and @throws what it failed with, ETIMEDOUT after `ms`, or the reason of `signal`. */
async function opened(
  socket: Socket,
  event: "connect" | "secureConnect",
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  const opening = Promise.withResolvers<void>();
  const fail = (error: Error) => opening.reject(error);
  const closed = () => opening.reject(Object.assign(new Error("the connection was closed"), { code: "ECONNRESET" }));
  socket.once(event, opening.resolve).once("error", fail).once("close", closed);
  try {
    await within(opening.promise, ms, signal);
  } catch (error) {
    // What still goes wrong with it is nobody's business.
    socket.on("error", () => {}).destroy();
    throw error;
  } finally {
    socket.off(event, opening.resolve).off("error", fail).off("close", closed);
  }
}

async function within<T>(work: Promise<T>, ms: number, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const stop = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => stop.reject(Object.assign(new Error(`no answer for ${ms / 1_000} s`), { code: "ETIMEDOUT" })),
    ms,
  );
  const abort = () => stop.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  work.catch(() => {});
  try {
    return await Promise.race([work, stop.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  }
}
