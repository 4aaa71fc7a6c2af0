import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { readTar } from "../../../src/image/layers/tar-reader.ts";
import type { TestRegistry } from "./registry.ts";

export interface Inspected {
  readonly config: {
    readonly config: {
      readonly Env: string[];
      readonly User: string;
      readonly Entrypoint: string[];
      readonly WorkingDir: string;
    };
    readonly rootfs: { readonly diff_ids: string[] };
  };
  readonly manifest: {
    readonly mediaType: string;
    readonly layers: { readonly digest: string; readonly mediaType: string }[];
  };
  /** What each layer holds, by path. */
  readonly layers: readonly ReadonlyMap<string, string>[];
}

/** Reads an image out of a test's registry. @param reference `HOST/NAME@DIGEST` */
export async function inspect(registry: TestRegistry, reference: string): Promise<Inspected> {
  const [, name, digest] = /^[^/]+\/(.+)@(.+)$/.exec(reference)!;
  const manifest = JSON.parse(registry.manifests.get(`${name}:${digest}`)!.body.toString());
  const config = JSON.parse(registry.blobs.get(manifest.config.digest)!.toString());
  const layers = [];
  for (const layer of manifest.layers as { digest: string; mediaType: string }[]) {
    const packed = registry.blobs.get(layer.digest)!;
    const content = layer.mediaType.endsWith("gzip") ? gunzipSync(packed) : zstdDecompressSync(packed);
    layers.push(await membersOf(content));
  }
  return { config, manifest, layers };
}

async function membersOf(content: Buffer): Promise<Map<string, string>> {
  const members = new Map<string, string>();
  for await (const member of readTar(once(content))) {
    if (member.type === "file") members.set(member.path, (await member.read()).toString("latin1"));
  }
  return members;
}

async function* once(content: Buffer): AsyncGenerator<Buffer> {
  yield content;
}
