import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CortexError } from "../../core/errors.ts";
import { sha256 } from "./manifest.ts";
import type { Release } from "./releases.ts";

export interface Fetched {
  readonly text: string;
  /** File or address, for messages. */
  readonly source: string;
  readonly sha256: string;
}

/** Manifests are a few megabytes; what is larger is something else. */
const mostBytes = 32 * 1024 * 1024;
const attempts = 3;
const attemptMs = 60_000;
const pauseMs = 1_000;

/** @returns undefined when `folder` has no manifest of that name */
export async function readAddon(folder: string, name: string): Promise<Fetched | undefined> {
  const source = join(folder, `${name}.yaml`);
  try {
    const text = await readFile(source, "utf8");
    return { text, source, sha256: sha256(text) };
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    throw new CortexError("FILE_NOT_FOUND", `cannot read ${source}: ${code ?? message}`, { cause });
  }
}

/** @throws FAILED when it cannot be had, or is not what it should be */
export async function downloadRelease(release: Release, signal: AbortSignal): Promise<Fetched> {
  const bytes = await download(release.url, signal);
  const digest = sha256(bytes);
  if (release.sha256 !== undefined && digest !== release.sha256) {
    throw new CortexError("FAILED", `${release.url} has SHA-256 ${digest}, not ${release.sha256}`, {
      hint: "do not use it: something between here and there changed it, or the release was replaced",
    });
  }
  return { text: new TextDecoder().decode(bytes), source: release.url, sha256: digest };
}

async function download(url: string, signal: AbortSignal): Promise<Uint8Array> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await downloadOnce(url, AbortSignal.any([signal, AbortSignal.timeout(attemptMs)]));
    } catch (error) {
      signal.throwIfAborted();
      const isFinal = error instanceof CortexError || attempt === attempts;
      if (isFinal) throw error instanceof CortexError ? error : notDownloaded(url, causeText(error), error);
      await sleep(pauseMs * attempt, undefined, { signal });
    }
  }
}

async function downloadOnce(url: string, signal: AbortSignal): Promise<Uint8Array> {
  const response = await fetch(url, { signal, redirect: "follow" });
  if (response.status >= 500 || response.status === 429) throw new Error(`${response.status} ${response.statusText}`);
  if (!response.ok) throw notDownloaded(url, `${response.status} ${response.statusText}`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > mostBytes) throw notDownloaded(url, `it is larger than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function notDownloaded(url: string, why: string, cause?: unknown): CortexError {
  return new CortexError("FAILED", `cannot download ${url}: ${why}`, {
    hint: "where the internet cannot be reached, download it elsewhere and use --addons-dir",
    cause,
  });
}

/** Of a failed fetch: what lies below "fetch failed". */
function causeText(error: unknown): string {
  const { cause, message } = error as { cause?: { code?: string; message?: string }; message: string };
  return cause?.code ?? cause?.message ?? message;
}
