import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { readTar } from "../image/layers/tar-reader.ts";
import { readZip } from "../packages/unzip.ts";

/** @returns the program that lies in an archive of a release. @throws Error when it has none, or is damaged */
export async function programIn(archive: string): Promise<Buffer> {
  const program = archive.endsWith(".zip") ? await inZip(archive) : await inTar(archive);
  if (program === undefined) throw new Error("there is no program in it");
  return program;
}

async function inZip(archive: string): Promise<Buffer | undefined> {
  const entry = readZip(await readFile(archive)).find(({ path }) => /^[^/]+\/cortex\.exe$/.test(path));
  return entry?.read();
}

async function inTar(archive: string): Promise<Buffer | undefined> {
  const file = createReadStream(archive);
  const unpacked = createGunzip();
  file.on("error", (error) => unpacked.destroy(error)).pipe(unpacked);
  for await (const member of readTar(unpacked)) {
    if (member.type === "file" && /^[^/]+\/cortex$/.test(member.path)) return await member.read();
  }
  return undefined;
}
