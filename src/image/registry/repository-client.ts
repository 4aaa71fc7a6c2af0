import { createHash } from "node:crypto";
import { CortexError } from "../../core/errors.ts";
import { showRepository } from "../reference.ts";
import { readAll } from "./http.ts";
import type { Asking } from "./registries.ts";
import { connectionFailure } from "./registry-error.ts";
import { Passing, patiently } from "./retry.ts";

export const mediaTypes = {
  ociIndex: "application/vnd.oci.image.index.v1+json",
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociConfig: "application/vnd.oci.image.config.v1+json",
  zstdLayer: "application/vnd.oci.image.layer.v1.tar+zstd",
  dockerIndex: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
} as const;

const accepted = [mediaTypes.ociIndex, mediaTypes.ociManifest, mediaTypes.dockerIndex, mediaTypes.dockerManifest].join(
  ", ",
);

export interface Manifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly text: string;
}

/** Registries take manifests of up to four mebibytes. */
const mostManifestBytes = 4 << 20;

/**
 * @param isOnlyAttempt throws `Passing` at the first failure that may pass
 * @returns the digest that `reference` (a tag or a digest) stands for; undefined when there is none
 */
export async function findManifest(
  asking: Asking,
  reference: string,
  signal: AbortSignal,
  isOnlyAttempt = false,
): Promise<string | undefined> {
  const to = `manifests/${reference}`;
  const head = { to, method: "HEAD", headers: { accept: accepted }, expect: [200, 404] } as const;
  const response = await asking.ask({ ...head, isOnlyAttempt }, signal);
  response.stream.resume();
  if (response.status === 404) return undefined;
  const digest = response.headers["docker-content-digest"];
  if (typeof digest === "string" && /^sha256:[0-9a-f]{64}$/.test(digest)) return digest;
  return (await readManifest(asking, reference, signal)).digest;
}

/** @throws IMAGE_FAILED when there is none, or it is not what its digest says */
export async function readManifest(asking: Asking, reference: string, signal: AbortSignal): Promise<Manifest> {
  const { repository } = asking;
  const request = { to: `manifests/${reference}`, method: "GET", headers: { accept: accepted } } as const;
  const response = await asking.ask({ ...request, expect: [200, 404] }, signal);
  const body = await readAll(response, mostManifestBytes);
  if (response.status === 404) {
    const separator = reference.startsWith("sha256:") ? "@" : ":";
    throw new CortexError("IMAGE_FAILED", `there is no image ${showRepository(repository)}${separator}${reference}`, {
      hint: "check how it is spelled, and whether that registry has it",
    });
  }
  const digest = digestOf(body);
  if (reference.startsWith("sha256:") && digest !== reference) throw damaged(asking, reference);
  const text = body.toString("utf8");
  const mediaType = (JSON.parse(text) as { mediaType?: string }).mediaType ?? response.headers["content-type"] ?? "";
  return { digest, mediaType: mediaType.split(";")[0]!.trim(), text };
}

export async function hasBlob(asking: Asking, digest: string, signal: AbortSignal): Promise<boolean> {
  const response = await asking.ask({ to: `blobs/${digest}`, method: "HEAD", expect: [200, 404] }, signal);
  response.stream.resume();
  return response.status === 200;
}

/** Reads a small blob whole. */
export async function readBlobText(asking: Asking, digest: string, signal: AbortSignal): Promise<string> {
  const response = await asking.ask({ to: `blobs/${digest}`, method: "GET", expect: [200] }, signal);
  const body = await readAll(response, mostManifestBytes);
  if (digestOf(body) !== digest) throw damaged(asking, digest);
  return body.toString("utf8");
}

/**
 * Reads a blob in pieces; after a cut connection it goes on where it was.
 * @param from the first byte that is wanted
 */
export async function* readBlob(
  asking: Asking,
  digest: string,
  from: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  let at = from;
  for (let cuts = 0; ; cuts += 1) {
    const response = await openBlob(asking, digest, at, signal);
    try {
      let skip = response.status === 200 ? at : 0;
      for await (const chunk of response.stream as AsyncIterable<Buffer>) {
        const piece = chunk.subarray(Math.min(skip, chunk.length));
        skip -= chunk.length - piece.length;
        if (piece.length === 0) continue;
        at += piece.length;
        yield piece;
      }
      return;
    } catch (error) {
      signal.throwIfAborted();
      const failure = connectionFailure(error, asking.repository.registry);
      if (!(failure instanceof Passing)) throw failure;
      if (cuts >= mostCuts) throw failure.lasting;
    } finally {
      response.stream.destroy();
    }
  }
}

const mostCuts = 10;

function openBlob(asking: Asking, digest: string, from: number, signal: AbortSignal) {
  const headers = from > 0 ? { range: `bytes=${from}-` } : undefined;
  const request = { to: `blobs/${digest}`, method: "GET", ...(headers && { headers }), expect: [200, 206] } as const;
  return asking.ask(request, signal);
}

/** @param tag the manifest is found under it, and under its digest */
export async function writeManifest(asking: Asking, manifest: string, tag: string, signal: AbortSignal): Promise<void> {
  const bytes = Buffer.from(manifest);
  const request = {
    to: `manifests/${tag}`,
    method: "PUT",
    headers: { "content-type": mediaTypes.ociManifest },
    body: { bytes: bytes.length, open: () => once(bytes) },
    expect: [201, 200],
  } as const;
  const response = await asking.ask(request, signal);
  response.stream.resume();
}

/** @returns whether whoever has no login may read there */
export async function isPublic(anonymous: Asking, signal: AbortSignal): Promise<boolean> {
  try {
    const ask = { to: "tags/list?n=1", method: "GET", expect: [200, 404] } as const;
    const response = await patiently(() => anonymous.ask(ask, signal), signal);
    response.stream.resume();
    return true;
  } catch (error) {
    if (error instanceof CortexError && error.code === "NOT_AUTHORISED") return false;
    throw error;
  }
}

export async function* once(bytes: Buffer): AsyncGenerator<Buffer, void, undefined> {
  yield bytes;
}

export function digestOf(content: string | Buffer): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

function damaged({ repository }: Asking, digest: string): CortexError {
  return new CortexError("REGISTRY_FAILED", `what ${showRepository(repository)} has as ${digest} is something else`, {
    hint: "the registry, or a proxy before it, is damaged",
  });
}
