import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { CortexError } from "../core/errors.ts";
import type { DownloadProgress } from "../core/program-update.ts";
import { isLoopback } from "./release-source.ts";

type Variables = Readonly<Record<string, string | undefined>>;

const mostTextBytes = 1024 * 1024;
const mostArchiveBytes = 1024 * 1024 * 1024;
/** For how long a server may say nothing. */
const silenceMs = 30_000;
const mostRedirects = 10;
const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** @returns a small file. @throws FAILED, with the address */
export async function downloadText(url: string, variables: Variables, signal: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = [];
  await receive(url, mostTextBytes, variables, signal, async (chunk) => void chunks.push(chunk));
  return Buffer.concat(chunks).toString("utf8");
}

/** Writes what `url` has into a new `file`. @returns its SHA-256, in hex @throws FAILED, and what writing throws */
export async function downloadFile(
  url: string,
  file: string,
  variables: Variables,
  onProgress: (progress: DownloadProgress) => void,
  signal: AbortSignal,
): Promise<string> {
  const hash = createHash("sha256");
  await using handle = await open(file, "wx", 0o600);
  await receive(url, mostArchiveBytes, variables, signal, async (chunk, progress) => {
    hash.update(chunk);
    await handle.writeFile(chunk);
    onProgress(progress);
  });
  await handle.sync();
  return hash.digest("hex");
}

async function receive(
  url: string,
  mostBytes: number,
  variables: Variables,
  signal: AbortSignal,
  take: (chunk: Uint8Array, progress: DownloadProgress) => Promise<void>,
): Promise<void> {
  const silence = new AbortController();
  const watch = setTimeout(() => silence.abort(), silenceMs);
  let taking = false;
  try {
    const response = await request(url, variables, AbortSignal.any([signal, silence.signal]));
    const totalBytes = Number(response.headers.get("content-length")) || undefined;
    let bytes = 0;
    for await (const chunk of response.body ?? []) {
      watch.refresh();
      bytes += chunk.length;
      if (bytes > mostBytes) throw notDownloaded(url, `it is larger than ${mostBytes} bytes`);
      taking = true;
      await take(chunk, { bytes, totalBytes });
      taking = false;
    }
  } catch (error) {
    signal.throwIfAborted();
    if (taking || error instanceof CortexError) throw error;
    if (silence.signal.aborted) throw notDownloaded(url, `nothing came for ${silenceMs / 1000} s`, error);
    throw notDownloaded(url, causeText(error), error);
  } finally {
    clearTimeout(watch);
  }
}

/**
 * Follows redirects one by one, each of which must lead to https: one that does not could be changed by anybody on the way, wherever
 * it led to in the end.
 */
async function request(url: string, variables: Variables, signal: AbortSignal): Promise<Response> {
  let at = new URL(url);
  for (let redirects = 0; redirects <= mostRedirects; redirects += 1) {
    const response = await requestOnce(at, variables, signal);
    const next = redirectStatuses.has(response.status) ? response.headers.get("location") : null;
    if (next === null && response.ok) return response;
    await response.body?.cancel();
    if (next === null) throw notDownloaded(url, `${response.status} ${response.statusText}`.trim());
    at = new URL(next, at);
    if (at.protocol !== "https:") throw notDownloaded(url, `it leads to ${at}, which is not https`);
  }
  throw notDownloaded(url, `it leads on more than ${mostRedirects} times`);
}

async function requestOnce(url: URL, variables: Variables, signal: AbortSignal): Promise<Response> {
  const { setGlobalProxyFromEnv } = await import("node:http");
  // What is on this machine is asked without a proxy, which would have another one in mind.
  const direct = isLoopback(url) ? { no_proxy: url.hostname, NO_PROXY: url.hostname } : {};
  const restore = setGlobalProxyFromEnv({ ...variables, ...direct } as Record<string, string>);
  try {
    return await fetch(url, { signal, redirect: "manual" });
  } finally {
    restore();
  }
}

function notDownloaded(url: string, why: string, cause?: unknown): CortexError {
  return new CortexError("FAILED", `cannot download ${url}: ${why}`, {
    hint: "nothing was changed; CORTEX_RELEASES_URL names a mirror, HTTPS_PROXY a proxy",
    cause,
  });
}

/** Of a failed fetch: what lies below "fetch failed". */
function causeText(error: unknown): string {
  const { cause, message } = error as { cause?: { code?: string; message?: string }; message: string };
  // Codes of the system are known to many, those of the client to nobody.
  if (cause?.code && !cause.code.startsWith("UND_ERR")) return cause.code;
  return cause?.message ?? message;
}
