import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { writeTar } from "../../../src/image/layers/tar-writer.ts";

interface Manifest {
  readonly layers: readonly object[];
  readonly config: { readonly digest: string };
}

const manifestType = "application/vnd.oci.image.manifest.v1+json";
const configType = "application/vnd.oci.image.config.v1+json";
const layerType = "application/vnd.oci.image.layer.v1.tar+gzip";

/** What stands in for a program that no test machine can run: it answers health checks, and does nothing. */
export interface StandIn {
  /** `registry.example/team/program:1`; nodes look for it in `registry`. */
  readonly image: string;
  /** What its pod starts. */
  readonly program: string;
  readonly port: number;
  /** That is asked, `/health`. */
  readonly path: string;
}

/**
 * Puts images under these names into a registry that has busybox, whose nodes take every image from it. A node that has pulled one
 * keeps it: whoever changes what they hold has to remove it there.
 * @param registry `localhost:5000`, spoken to in plain HTTP
 */
export async function pushStandIns(registry: string, all: readonly StandIn[]): Promise<void> {
  await Promise.all(all.map((one) => pushStandIn(registry, one)));
}

async function pushStandIn(registry: string, { image, program, port, path }: StandIn): Promise<void> {
  const [, repository, tag] = image.match(/^[^/]+\/(.+):([^:]+)$/) ?? [];
  const api = `http://${registry}/v2`;
  const from = "library/busybox";
  const base = (await (await get(`${api}/${from}/manifests/1.35`, manifestType)).json()) as Manifest;
  const config = (await (await get(`${api}/${from}/blobs/${base.config.digest}`)).json()) as {
    readonly rootfs: { readonly diff_ids: readonly string[] };
  };
  for (const layer of [...base.layers] as { readonly digest: string }[]) {
    await call(`${api}/${repository}/blobs/uploads/?mount=${layer.digest}&from=${from}`, { method: "POST" });
  }
  const script = `#!/bin/sh\nexec busybox httpd -f -p ${port} -h /www\n`;
  const tar = await tarOf({ [program.slice(1)]: script, [`www${path}`]: "ok\n" });
  const layer = gzipSync(tar);
  const standIn = {
    ...config,
    config: { Entrypoint: [program] },
    rootfs: { type: "layers", diff_ids: [...config.rootfs.diff_ids, digestOf(tar)] },
    history: undefined,
  };
  const configBytes = Buffer.from(JSON.stringify(standIn));
  await Promise.all([layer, configBytes].map((bytes) => pushBlob(`${api}/${repository}`, bytes)));
  const manifest = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: configType, digest: digestOf(configBytes), size: configBytes.length },
    layers: [...base.layers, { mediaType: layerType, digest: digestOf(layer), size: layer.length }],
  };
  await call(`${api}/${repository}/manifests/${tag}`, {
    method: "PUT",
    headers: { "content-type": manifestType },
    body: JSON.stringify(manifest),
  });
}

async function tarOf(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const entries = Object.entries(files).map(([path, text]) => {
    const content = Buffer.from(text);
    return {
      type: "file" as const,
      path,
      bytes: content.length,
      executable: text.startsWith("#!"),
      open: () => [content],
    };
  });
  return buffer(Readable.from(writeTar(entries)));
}

async function pushBlob(repository: string, bytes: Buffer): Promise<void> {
  const begun = await call(`${repository}/blobs/uploads/`, { method: "POST" });
  const target = new URL(begun.headers.get("location")!, repository);
  target.searchParams.set("digest", digestOf(bytes));
  await call(target, {
    method: "PUT",
    headers: { "content-type": "application/octet-stream" },
    body: new Uint8Array(bytes),
  });
}

function get(url: string, accept = "*/*"): Promise<Response> {
  return call(url, { headers: { accept } });
}

async function call(url: string | URL, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`${init.method ?? "GET"} ${url}: ${response.status} ${await response.text()}`);
  return response;
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
