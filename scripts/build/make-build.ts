import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rename, rm, utimes } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { projectNode, projectRoot, run } from "../toolchain.mjs";
import { buildIdPlaceholder, bundle, type Chunk } from "./bundle.ts";
import { fillCodeCaches } from "./code-caches.ts";
import { copyFiles, hashFiles, removeOldFolders, replaceFile, shippedFiles } from "./files.ts";
import { shellLauncher, windowsLauncher } from "./launchers.ts";
import { type PackIndex, packChunks } from "./pack.ts";

const dist = join(projectRoot, "dist");
const builds = join(dist, "builds");
const runtime = join(projectRoot, "src", "runtime");
const keptBuilds = 3;
const dayMs = 24 * 3600 * 1000;

/** What was built, and where it lies. */
export interface Build {
  readonly version: string;
  /** A hash over all that the program is made of, the same on every machine. */
  readonly id: string;
  /** Holds main.js, chunks.pack, runtime and wheels. */
  readonly folder: string;
}

/**
 * Makes a build unless there is the same, and lets `dist/cortex` start it.
 * @param isAgain makes it though there is the same, beside that, for whoever compares the two; nothing starts it
 */
export async function makeBuild(isAgain = false): Promise<Build> {
  await mkdir(builds, { recursive: true });
  const { version } = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as { version: string };
  const runtimeFiles = await shippedFiles(runtime);
  const wheels = await fetchWheels();
  const chunks = await bundle(join(projectRoot, "src", "main.ts"), version);
  const loader = readFileSync(join(projectRoot, "scripts", "build", "loader.cjs"), "utf8");
  const id = hashBuild([await hashFiles(runtime, runtimeFiles), loader, ...chunks.map(({ code }) => code)]);
  // What differs between machines stays out of the id: packages made for this system, and the Node that filled the caches.
  const here = hashBuild([wheels.join(), `${process.platform}-${process.arch}`, process.version]).slice(0, 8);
  const name = `${id}-${here}${isAgain ? `-again-${process.pid}` : ""}`;
  const folder = join(builds, name);
  if (!existsSync(folder)) {
    const partial = `${folder}.${process.pid}.partial`;
    await writeChunks(partial, chunks, loader, id);
    await copyFiles(runtime, join(partial, "runtime"), runtimeFiles);
    await copyFiles(join(dist, "wheels"), join(partial, "wheels"), wheels, true);
    await fillCodeCaches(join(partial, "main.js"));
    const index = await packChunks(
      partial,
      chunks.map(({ name }) => name),
    );
    await replaceFile(join(partial, "main.js"), withIndex(loader, index));
    // Another build of the same may have come first; then this one is not needed.
    await rename(partial, folder).catch(() => rm(partial, { recursive: true, force: true }));
  }
  if (isAgain) return { version, id, folder };
  await utimes(folder, new Date(), new Date());
  await writeLaunchers(`builds/${name}/main.js`);
  await removeOldFolders(builds, keptBuilds, dayMs);
  return { version, id, folder };
}

function hashBuild(parts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("hex").slice(0, 16);
}

async function writeChunks(folder: string, chunks: readonly Chunk[], loader: string, id: string): Promise<void> {
  await replaceFile(join(folder, "package.json"), '{"type":"commonjs"}\n');
  await replaceFile(join(folder, "main.js"), loader);
  for (const { name, code } of chunks) await replaceFile(join(folder, name), code.replaceAll(buildIdPlaceholder, id));
}

function withIndex(loader: string, index: PackIndex): string {
  const line = "const index = undefined;";
  if (!loader.includes(line)) throw new Error(`the loader has no line: ${line}`);
  return loader.replace(line, `const index = ${JSON.stringify(index)};`);
}

/** The runtime's packages, which a first deploy installs without a network. @returns their names in dist/wheels */
async function fetchWheels(): Promise<string[]> {
  const script = join(projectRoot, "scripts", "fetch-wheels.mjs");
  if (!existsSync(script)) return [];
  const status = await run(projectNode(), [script], { stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Error(`fetching the runtime's packages failed with status ${status}`);
  return shippedFiles(join(dist, "wheels"));
}

async function writeLaunchers(main: string): Promise<void> {
  const node = relative(dist, projectNode()).split(sep).join("/");
  await replaceFile(join(dist, "cortex.cmd"), windowsLauncher({ node, main }));
  await replaceFile(join(dist, "cortex"), shellLauncher({ node, main }), 0o755);
}
