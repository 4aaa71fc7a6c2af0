import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

export interface WrkOptions {
  readonly url: string;
  /** Kept alive, each with one request under way at any time. */
  readonly connections: number;
  readonly seconds: number;
  readonly body: string | Uint8Array;
  readonly contentType: string;
}

export interface WrkResult {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const runFile = promisify(execFile);

/** @throws saying how to install it, when `wrk` is not there */
export async function requireWrk(): Promise<void> {
  try {
    await runFile("wrk", ["--version"]);
  } catch (error) {
    // It ends with status 1 after it printed its version.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") return;
    throw new Error("this benchmark needs wrk: apt-get install wrk (Debian, Ubuntu), brew install wrk (macOS)");
  }
}

/** Posts as fast as the server answers. @throws when any request failed: a figure that counts errors says nothing */
export async function runWrk(options: WrkOptions, signal: AbortSignal): Promise<WrkResult> {
  const folder = await mkdtemp(join(tmpdir(), "cortex-wrk-"));
  try {
    const body = join(folder, "body");
    await writeFile(body, options.body);
    const script = join(import.meta.dirname, "post.lua");
    const shape = ["-t1", `-c${options.connections}`, `-d${options.seconds}s`, "--timeout", "30s"];
    const args = [...shape, "-s", script, options.url, "--", body, options.contentType];
    return readResult((await runFile("wrk", args, { signal })).stdout, options.url);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function readResult(output: string, url: string): WrkResult {
  const line = output.split("\n").findLast((one) => one.startsWith("{"));
  if (!line) throw new Error(`wrk said nothing about ${url}: ${output}`);
  const { requests, durationUs, p50Us, p99Us, broken, refused } = JSON.parse(line) as Record<string, number>;
  if (broken || refused || !requests) {
    throw new Error(`${url}: of ${requests} requests ${broken} broke off and ${refused} were answered with an error`);
  }
  return { requestsPerSecond: requests / (durationUs! / 1e6), p50Ms: p50Us! / 1_000, p99Ms: p99Us! / 1_000 };
}
