import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, normalize } from "node:path";
import { makeTarGz, makeZip } from "../../scripts/release/archives.ts";
import { checksumsText, isWindows, sha256Of } from "../../scripts/release/manifest.ts";
import { archiveFolder, archiveName } from "../../src/upgrade/release-source.ts";

/** Releases on a server of this machine. */
export interface ReleaseServer extends AsyncDisposable {
  /** For CORTEX_RELEASES_URL. */
  readonly url: string;
  readonly folder: string;
  /** Paths that were asked for, in order. */
  readonly asked: readonly string[];
  /** Adds a release, which is then the newest. @param program what is packed as the program */
  add(version: string, program: string | Uint8Array, target?: string): Promise<void>;
  /** Changes a file after its checksum was taken. */
  spoil(path: string): Promise<void>;
}

/** The system that tests run on. */
export const thisTarget = `${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;

/** A program that says its version and does nothing else; that it is a Cortex can be seen from its text. */
export function standIn(version: string): string {
  return `#!/bin/sh\n# Turns a Python model into an autoscaling web API\necho cortex ${version}\n`;
}

/** @param folder what to serve; without one an empty folder, removed at the end */
export async function releaseServer(folder?: string): Promise<ReleaseServer> {
  const own = folder === undefined ? await mkdtemp(join(tmpdir(), "cortex-releases-")) : undefined;
  const root = folder ?? own!;
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url!, "http://localhost").pathname);
    asked.push(path);
    const content = await readFile(join(root, path)).catch(() => undefined);
    response.writeHead(content ? 200 : 404, { "content-length": content?.length ?? 0 }).end(content);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    folder: root,
    asked,
    add: (version, program, target = thisTarget) => addRelease(root, version, program, target),
    async spoil(path) {
      const bytes = await readFile(join(root, path));
      bytes[bytes.length >> 1]! ^= 0xff;
      await writeFile(join(root, path), bytes);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
      if (own !== undefined) await rm(own, { recursive: true, force: true });
    },
  };
}

async function addRelease(root: string, version: string, program: string | Uint8Array, target: string): Promise<void> {
  const staging = await mkdtemp(join(root, ".staging-"));
  const name = archiveFolder(version, target);
  const file = join(staging, name, isWindows(target) ? "cortex.exe" : "cortex");
  await mkdir(join(staging, name));
  await writeFile(file, program);
  await chmod(file, 0o755);
  const archive = archiveName(version, target);
  const made = join(staging, archive);
  await (isWindows(target) ? makeZip : makeTarGz)(staging, name, 0, made);
  const sums = checksumsText([{ file: archive, sha256: await sha256Of(made) }]);
  for (const place of [`download/v${version}`, "latest/download"]) {
    await mkdir(join(root, place), { recursive: true });
    await writeFile(join(root, place, archive), await readFile(made));
    await writeFile(join(root, place, "SHA256SUMS"), sums);
  }
  await rm(staging, { recursive: true });
}
