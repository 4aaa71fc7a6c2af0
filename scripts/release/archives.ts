import { spawn } from "node:child_process";
import { createReadStream, createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { ZipFile } from "yazl";
import { shippedFiles } from "../build/files.ts";

/** Owner, times and order are the same wherever an archive is made; `X`: what is executable for its owner is so for all. */
const sameEverywhere = [
  "--format=ustar",
  "--sort=name",
  "--owner=0",
  "--group=0",
  "--numeric-owner",
  "--mode=u=rwX,go=rX",
];

/** Blocks of this size are packed side by side, two at a time: the bytes depend on it, so it is written out. */
export const xzFlags = ["-6", "--threads=2", "--block-size=64MiB", "--stdout"];

/** Packs `folder/name` into a new file, by gzip. @param time seconds since the epoch */
export async function makeTarGz(folder: string, name: string, time: number, file: string): Promise<void> {
  const tar = startTar(folder, name, time);
  await Promise.all([pipeline(tar.output, createGzip({ level: 9 }), createWriteStream(file)), tar.ended]);
}

/** Likewise by xz. @throws Error when this machine has none */
export async function makeTarXz(folder: string, name: string, time: number, file: string): Promise<void> {
  const tar = startTar(folder, name, time);
  const xz = spawn("xz", xzFlags, { stdio: ["pipe", "pipe", "inherit"] });
  await Promise.all([
    pipeline(tar.output, xz.stdin),
    pipeline(xz.stdout, createWriteStream(file)),
    tar.ended,
    endOf("xz", xz),
  ]);
}

function startTar(folder: string, name: string, time: number): { output: Readable; ended: Promise<void> } {
  const args = ["--create", ...sameEverywhere, `--mtime=@${time}`, "--directory", folder, name];
  const env = { ...process.env, LC_ALL: "C", TAR_OPTIONS: "" };
  const tar = spawn("tar", args, { env, stdio: ["ignore", "pipe", "inherit"] });
  return { output: tar.stdout, ended: endOf("tar", tar) };
}

function endOf(name: string, child: ReturnType<typeof spawn>): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => (status === 0 ? resolve() : reject(new Error(`${name} ended with ${status}`))));
  });
}

/** Packs `folder/name` into a new zip archive. */
export async function makeZip(folder: string, name: string, time: number, file: string): Promise<void> {
  const zip = new ZipFile();
  for (const path of await shippedFiles(join(folder, name))) {
    const source = join(folder, name, path);
    const { mode } = await stat(source);
    zip.addReadStreamLazy(
      `${name}/${path}`,
      { mtime: zipTime(time), mode: mode & 0o100 ? 0o100755 : 0o100644, forceDosTimestamp: true, compressionLevel: 9 },
      (take) => take(null, createReadStream(source)),
    );
  }
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(file));
}

/** A zip archive holds local times: this one reads the same in every time zone. */
function zipTime(time: number): Date {
  const utc = new Date(time * 1000);
  return new Date(utc.getTime() + utc.getTimezoneOffset() * 60_000);
}

/** Whether this machine can pack by xz. */
export async function hasXz(): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn("xz", ["--version"], { stdio: "ignore" });
    child.once("error", () => resolve(false));
    child.once("close", (status) => resolve(status === 0));
  });
}
