import { CortexError } from "../core/errors.ts";
import { atMost } from "../project/at-most.ts";
import type { Built } from "./built-images.ts";
import type { ImageEvent } from "./image.ts";
import type { BlobStore } from "./layers/blob-store.ts";
import type { Repository } from "./reference.ts";
import { ecrRegistry } from "./registry/ecr.ts";
import type { Asking, Registries } from "./registry/registries.ts";
import { UnknownRepository } from "./registry/registry-error.ts";
import { digestOf, findManifest, hasBlob, once, readBlob, writeManifest } from "./registry/repository-client.ts";
import { mountBlob, uploadBlob } from "./registry/upload.ts";

export interface Push {
  readonly built: Built;
  readonly target: Repository;
  readonly registries: Registries;
  readonly store: BlobStore;
  readonly onEvent: (event: ImageEvent) => void;
}

/** A blob that the image needs. */
interface Part {
  readonly digest: string;
  readonly bytes: number;
  /** Of another repository: it may take it over from there. */
  readonly isOfBase: boolean;
  open(from: number): AsyncIterable<Buffer>;
}

/** A part that the registry lacks, and where it may have said to upload it to. */
interface Missing {
  readonly part: Part;
  readonly started: URL | undefined;
}

const asked = 12;
const uploaded = 4;

/**
 * Brings an image to its repository: first every blob that is not there, the manifest last, under its digest and a tag made of
 * it, since registries remove what has no tag.
 * @throws REGISTRY_FAILED, NOT_AUTHORISED, IMAGE_FAILED
 */
export async function pushImage(push: Push, signal: AbortSignal): Promise<void> {
  try {
    await pushOnce(push, signal);
  } catch (error) {
    if (!(error instanceof UnknownRepository) || !ecrRegistry(push.target.registry)) throw error;
    await push.registries.makeEcrRepository(push.target, signal);
    await pushOnce(push, signal);
  }
}

async function pushOnce(push: Push, signal: AbortSignal): Promise<void> {
  const { built, target, registries } = push;
  const isNear = built.base.registry === target.registry && built.base.name !== target.name;
  const asking = registries.to("push to", target, isNear ? [built.base.name] : []);
  const parts = partsOf(push, signal);
  // Asked for together: that it is there is rare, that one would wait for the answer is not.
  const [known, looked] = await Promise.all([
    findManifest(asking, built.digest, signal),
    atMost(asked, parts, (part) => isMissing(part, asking, signal), signal),
  ]);
  if (known !== undefined) return;
  const absent = parts.filter((_, index) => looked[index]);
  const missing = await atMost(asked, absent, (part) => takeOver(part, isNear, push, asking, signal), signal);
  await uploadAll(
    missing.filter((one) => one !== undefined),
    push,
    asking,
    signal,
  );
  await writeManifest(asking, built.manifest, tagOf(built.digest), signal);
}

/** @returns the tag under which an image of that digest is kept */
export function tagOf(digest: string): string {
  return digest.slice("sha256:".length, "sha256:".length + 12);
}

function partsOf({ built, registries, store }: Push, signal: AbortSignal): Part[] {
  const base = registries.to("pull from", built.base);
  const config = Buffer.from(built.config);
  const parts: Part[] = [
    ...built.layers.map(({ digest, bytes }) => ({
      digest,
      bytes,
      isOfBase: false,
      open: (from: number) => readLayer(store, digest, from),
    })),
    ...built.baseLayers.map(({ digest, size }) => ({
      digest,
      bytes: size,
      isOfBase: true,
      open: (from: number) => readBlob(base, digest, from, signal),
    })),
    {
      digest: digestOf(config),
      bytes: config.length,
      isOfBase: false,
      open: (from: number) => once(config.subarray(from)),
    },
  ];
  return [...new Map(parts.map((part) => [part.digest, part])).values()];
}

async function isMissing(part: Part, asking: Asking, signal: AbortSignal): Promise<boolean> {
  return !(await hasBlob(asking, part.digest, signal));
}

/** @returns what must be uploaded; undefined when the registry took it from the base image's repository */
async function takeOver(
  part: Part,
  isNear: boolean,
  { built }: Push,
  asking: Asking,
  signal: AbortSignal,
): Promise<Missing | undefined> {
  if (!part.isOfBase || !isNear) return { part, started: undefined };
  const started = await mountBlob(asking, part.digest, built.base.name, signal);
  return started && { part, started };
}

async function uploadAll(missing: readonly Missing[], push: Push, asking: Asking, signal: AbortSignal): Promise<void> {
  const totalBytes = missing.reduce((sum, { part }) => sum + part.bytes, 0);
  const sent = new Map<string, number>();
  let sentBytes = 0;
  const report = (digest: string, bytes: number) => {
    const before = sent.get(digest) ?? 0;
    if (bytes <= before) return;
    sent.set(digest, bytes);
    sentBytes += bytes - before;
    push.onEvent({ type: "upload", sentBytes, totalBytes });
  };
  if (missing.length > 0) push.onEvent({ type: "upload", sentBytes, totalBytes });
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const upload = async ({ part, started }: Missing) => {
    try {
      const onProgress = (bytes: number) => report(part.digest, bytes);
      await uploadBlob(asking, { ...part, onProgress }, started, either);
      report(part.digest, part.bytes);
    } catch (error) {
      if (error instanceof CortexError && error.code === "IMAGE_FAILED") await push.store.forget(part.digest);
      failed.abort(error);
      throw error;
    }
  };
  await atMost(
    uploaded,
    missing.toSorted((a, b) => b.part.bytes - a.part.bytes),
    upload,
    either,
  );
}

async function* readLayer(store: BlobStore, digest: string, from: number): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* store.read(digest, from);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new CortexError("IMAGE_FAILED", `a layer of the image is gone from this machine's disk (${digest})`, {
      hint: "run the same command again; the layer is made anew",
      cause: error,
    });
  }
}
