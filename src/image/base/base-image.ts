import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline, Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { CortexError } from "../../core/errors.ts";
import { makePrivateFolder, writeAtomically } from "../../platform/files.ts";
import { readTar } from "../layers/tar-reader.ts";
import { type ImageReference, parseReference, showReference } from "../reference.ts";
import type { Asking, Registries } from "../registry/registries.ts";
import { findManifest, mediaTypes, readBlob, readBlobText, readManifest } from "../registry/repository-client.ts";
import { Passing } from "../registry/retry.ts";
import { declaredPython, notice, pythonVersion } from "./find-parts.ts";

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** The configuration of an image, as far as it matters here. */
export interface ImageConfig {
  readonly architecture: string;
  readonly os: string;
  readonly variant?: string;
  readonly created?: string;
  readonly config?: {
    readonly Env?: readonly string[];
    readonly Labels?: Readonly<Record<string, string>>;
  };
  readonly rootfs: { readonly diff_ids: readonly string[] };
  readonly history?: readonly unknown[];
}

/** An image to build on. */
export interface BaseImage {
  /** With the digest of the manifest for the wanted architecture. */
  readonly reference: ImageReference;
  readonly config: ImageConfig;
  readonly layers: readonly Descriptor[];
  /** As far as it is known, e.g. "3.12.4" or "3.12". */
  readonly python: string;
  /** For example "glibc-2.36". */
  readonly libc: string;
}

interface BaseRequest {
  readonly home: string;
  readonly image: string;
  readonly architecture: string;
  readonly registries: Registries;
  readonly onNotice: (message: string) => void;
  /** Called before anything is asked for that is more than a digest. */
  readonly onReading: () => void;
}

interface ManifestJson {
  readonly mediaType?: string;
  readonly config?: Descriptor;
  readonly layers?: readonly Descriptor[];
  readonly manifests?: readonly (Descriptor & {
    readonly platform?: { readonly os?: string; readonly architecture?: string; readonly variant?: string };
  })[];
}

/** Of what is remembered; another one is another version's and is not read. */
const format = 1;
const oldestPython = 9;
/** Official images of Docker Hub change every few days, and nobody waits for that; others are looked at each time. */
const hubFreshMs = 3600_000;

/**
 * Finds out what an image is: for a tag that costs one small request, and when the registry is down the digest counts that
 * it had last; all else is asked for once per digest.
 * @throws IMAGE_FAILED, REGISTRY_FAILED, NOT_AUTHORISED
 */
export async function readBaseImage(request: BaseRequest, signal: AbortSignal): Promise<BaseImage> {
  const reference = parseReference(request.image);
  const asking = request.registries.to("pull from", reference);
  const digest = reference.digest ?? (await resolveTag(reference, request, asking, signal));
  const file = join(basesFolder(request.home), `${keyOf(digest, request.architecture)}.json`);
  const known = await readJson<{ format: number; base: Omit<BaseImage, "reference"> & { digest: string } }>(file);
  const { tag: _tag, ...repository } = reference;
  if (known?.format === format) {
    const { digest: own, ...base } = known.base;
    return { ...base, reference: { ...repository, tag: undefined, digest: own } };
  }
  request.onReading();
  const base = await describe({ ...repository, tag: undefined, digest }, request, asking, signal);
  const { reference: own, ...rest } = base;
  await writeAtomically(file, JSON.stringify({ format, base: { ...rest, digest: own.digest } }));
  return base;
}

async function resolveTag(
  reference: ImageReference,
  { home, onNotice }: BaseRequest,
  asking: Asking,
  signal: AbortSignal,
): Promise<string> {
  const shown = showReference(reference);
  const file = join(basesFolder(home), `${keyOf(shown, "tag")}.json`);
  const known = await readJson<{ digest: string; at: number }>(file);
  const isOfficial = reference.registry === "docker.io" && reference.name.startsWith("library/");
  if (known && isOfficial && Date.now() - known.at < hubFreshMs) return known.digest;
  try {
    const digest = await findManifest(asking, reference.tag!, signal, known !== undefined);
    if (digest === undefined) {
      throw new CortexError("IMAGE_FAILED", `there is no image ${shown}`, {
        hint: "check how it is spelled, and whether that registry has it",
      });
    }
    if (known?.digest !== digest || isOfficial) {
      await makePrivateFolder(basesFolder(home));
      await writeAtomically(file, JSON.stringify({ digest, at: Date.now() }));
    }
    return digest;
  } catch (error) {
    signal.throwIfAborted();
    const isDown = error instanceof Passing || (error instanceof CortexError && error.code !== "IMAGE_FAILED");
    if (!known || !isDown) throw error;
    onNotice(`building on ${shown} as it was last seen here (${known.digest.slice(0, 19)}): ${error.message}`);
    return known.digest;
  }
}

async function describe(
  reference: ImageReference,
  { architecture, onNotice }: BaseRequest,
  asking: Asking,
  signal: AbortSignal,
): Promise<BaseImage> {
  const { manifest, digest } = await manifestFor(reference, architecture, asking, signal);
  const shown = showReference(reference);
  if (!manifest.config || !manifest.layers) {
    throw new CortexError("IMAGE_FAILED", `${shown} is no image that can be built on`, {
      hint: "it is of a format from before 2017; push it again with a current tool",
    });
  }
  const config = JSON.parse(await readBlobText(asking, manifest.config.digest, signal)) as ImageConfig;
  if (config.os !== "linux" || config.architecture !== architecture) {
    throw notFor(shown, architecture, [`${config.os}/${config.architecture}`]);
  }
  const layers = manifest.layers.map((layer) => ({ ...pick(layer), mediaType: ociType(layer.mediaType) }));
  if (layers.length !== config.rootfs.diff_ids.length) throw new Error(`${shown} does not know its own layers`);
  const { python, libc } = await findParts({ shown, config, layers, asking, onNotice }, signal);
  return { reference: { ...reference, digest }, config, layers, python, libc };
}

async function manifestFor(
  { digest, ...reference }: ImageReference,
  architecture: string,
  asking: Asking,
  signal: AbortSignal,
): Promise<{ manifest: ManifestJson; digest: string }> {
  const outer = await readManifest(asking, digest!, signal);
  const json = JSON.parse(outer.text) as ManifestJson;
  if (!json.manifests) return { manifest: json, digest: outer.digest };
  const fitting = json.manifests.filter(
    ({ platform }) => platform?.os === "linux" && platform.architecture === architecture,
  );
  const chosen = fitting.find(({ platform }) => !platform?.variant || platform.variant === "v8") ?? fitting[0];
  if (!chosen) {
    const others = json.manifests.flatMap(({ platform }) =>
      platform?.os && platform.os !== "unknown" ? [`${platform.os}/${platform.architecture}`] : [],
    );
    throw notFor(showReference({ ...reference, digest }), architecture, others);
  }
  const inner = await readManifest(asking, chosen.digest, signal);
  return { manifest: JSON.parse(inner.text) as ManifestJson, digest: inner.digest };
}

interface Search {
  readonly shown: string;
  readonly config: ImageConfig;
  readonly layers: readonly Descriptor[];
  readonly asking: Asking;
  readonly onNotice: (message: string) => void;
}

/** Reads layers from the lowest on until all is known: of most images one. */
async function findParts(
  { shown, config, layers, asking, onNotice }: Search,
  signal: AbortSignal,
): Promise<{ python: string; libc: string }> {
  const env = config.config?.Env ?? [];
  const declared = declaredPython(env);
  const found = { libc: undefined as string | undefined, pythons: new Map<string, string>() };
  if (declared === undefined) onNotice(`looking for the Python of ${shown}: its layers are read once`);
  for (const layer of layers) {
    const content = decompressed(readBlob(asking, layer.digest, 0, signal), layer.mediaType);
    for await (const member of readTar(content)) {
      await notice(member, found);
      if (declared !== undefined && found.libc !== undefined) break;
    }
    if (declared !== undefined && found.libc !== undefined) break;
  }
  const python = declared ?? pythonVersion(env, found);
  if (python === undefined) {
    throw new CortexError("IMAGE_FAILED", `${shown} has no Python`, {
      hint: "name an image with Python 3.9 or later, such as python:3.12-slim",
    });
  }
  if (Number(python.split(".")[1]) < oldestPython) {
    throw new CortexError("IMAGE_FAILED", `${shown} has Python ${python}, 3.${oldestPython} or later is needed`, {
      hint: "name an image with a newer one, such as python:3.12-slim",
    });
  }
  if (found.libc === undefined) {
    throw new CortexError("IMAGE_FAILED", `${shown} has no C library that packages of Python could be made for`, {
      hint: "name an image that is made of Debian, Ubuntu, Red Hat's or Alpine Linux",
    });
  }
  return { python, libc: found.libc };
}

/** @throws Error for a compression that no registry serves */
function decompressed(content: AsyncIterable<Buffer>, mediaType: string): AsyncIterable<Buffer> {
  if (mediaType.endsWith(".tar")) return content;
  const isKnown = mediaType.endsWith("+gzip") || mediaType.endsWith("+zstd");
  if (!isKnown) throw new Error(`a layer of a kind that is not known: ${mediaType}`);
  const unpack = mediaType.endsWith("+gzip") ? createGunzip() : createZstdDecompress();
  // Whoever reads the last stream gets its errors; the callback is only so that none is unhandled.
  return pipeline(Readable.from(content), unpack, () => {});
}

/** The two families of names mean the same bytes. */
function ociType(mediaType: string): string {
  return mediaType
    .replace("application/vnd.docker.image.rootfs.diff.tar.gzip", "application/vnd.oci.image.layer.v1.tar+gzip")
    .replace("application/vnd.docker.image.rootfs.diff.tar.zstd", mediaTypes.zstdLayer)
    .replace(/^application\/vnd\.docker\.image\.rootfs\.diff\.tar$/, "application/vnd.oci.image.layer.v1.tar");
}

function pick({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

function notFor(shown: string, architecture: string, others: readonly string[]): CortexError {
  return new CortexError(
    "IMAGE_FAILED",
    `${shown} is not made for linux/${architecture}, only for ${others.join(", ")}`,
    {
      hint: `name an image that is made for linux/${architecture}`,
    },
  );
}

function basesFolder(home: string): string {
  return join(home, "images", "bases");
}

function keyOf(...parts: readonly string[]): string {
  return createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 32);
}

async function readJson<T>(file: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as T;
  } catch {
    return undefined;
  }
}
