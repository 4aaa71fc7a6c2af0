import type { BaseImage, Descriptor } from "./base/base-image.ts";
import { imageFolders, imageUser } from "./image.ts";
import type { Layer } from "./layers/blob-store.ts";
import { digestOf, mediaTypes } from "./registry/repository-client.ts";

/** A layer of ours and what it holds, for the image's history. */
export interface NamedLayer {
  readonly holds: "packages" | "runtime" | "project";
  readonly layer: Layer;
}

/** An image's two documents, as they are sent. */
export interface Documents {
  readonly config: string;
  readonly manifest: string;
  /** Of the manifest. */
  readonly digest: string;
}

/** What a handler's process finds in its environment besides the base image's own and its settings. */
const environment = { HOME: "/tmp", PYTHONUNBUFFERED: "1" } as const;
/** Images have no time of their own: then the same input would give another digest each time. */
const noTime = "1970-01-01T00:00:00Z";

/** Writes the documents of an image of `base` and `layers` on top, in that order. Equal input gives equal bytes. */
export function writeDocuments(base: BaseImage, layers: readonly NamedLayer[]): Documents {
  const config = JSON.stringify(configOf(base, layers));
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, digest: digestOf(config), size: Buffer.byteLength(config) },
    layers: [...base.layers, ...layers.map(({ layer }) => descriptorOf(layer))],
  });
  return { config, manifest, digest: digestOf(manifest) };
}

function descriptorOf({ digest, bytes }: Layer): Descriptor {
  return { mediaType: mediaTypes.zstdLayer, digest, size: bytes };
}

function configOf({ config: base }: BaseImage, layers: readonly NamedLayer[]) {
  const inherited = (base.config?.Env ?? []).filter((one) => !(one.split("=")[0]! in environment));
  const own = layers.map(({ holds }) => ({ created: noTime, created_by: `cortex: ${holds}` }));
  return {
    created: base.created ?? noTime,
    architecture: base.architecture,
    os: base.os,
    ...(base.variant && { variant: base.variant }),
    config: {
      User: `${imageUser}:${imageUser}`,
      Env: [...inherited, ...Object.entries(environment).map(([name, value]) => `${name}=${value}`)],
      Entrypoint: ["python3", `${imageFolders.runtime}/launch.py`],
      Cmd: ["env:CORTEX_REPLICA"],
      WorkingDir: imageFolders.project,
      ...(base.config?.Labels && { Labels: base.config.Labels }),
    },
    rootfs: { type: "layers", diff_ids: [...base.rootfs.diff_ids, ...layers.map(({ layer }) => layer.diffId)] },
    ...(base.history && { history: [...base.history, ...own] }),
  };
}
