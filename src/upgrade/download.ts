import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { CortexError } from "../core/errors.ts";
import type { DownloadProgress } from "../core/program-update.ts";
import { isSafe } from "./release-source.ts";

type Variables = Readonly<Record<string, string | undefined>>;

const mostTextBytes = 1024 * 1024;
const mostArchiveBytes = 1024 * 1024 * 1024;
/** For how long a server may say nothing. */
const silenceMs = 30_000;

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

async function request(url: string, variables: Variables, signal: AbortSignal): Promise<Response> {
  if (variables.NODE_TLS_REJECT_UNAUTHORIZED === "0" && url.startsWith("https:")) {
    throw new CortexError(
      "USAGE",
      "NODE_TLS_REJECT_UNAUTHORIZED=0 is set, so that anybody could send another program",
      {
        hint: "unset it; NODE_EXTRA_CA_CERTS names the authority of a proxy",
      },
    );
  }
  const { setGlobalProxyFromEnv } = await import("node:http");
  const restore = setGlobalProxyFromEnv(variables as Record<string, string>);
  try {
    const response = await fetch(url, { signal, redirect: "follow" });
    if (!isSafe(new URL(response.url))) throw notDownloaded(url, `it leads to ${response.url}, which is not https`);
    if (!response.ok) throw notDownloaded(url, `${response.status} ${response.statusText}`.trim());
    return response;
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
  return cause?.code ?? cause?.message ?? message;
}
