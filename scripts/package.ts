// Makes one executable per system of what `npm run build` makes, and says in dist/manifest.json what they are.
// `node scripts/package.ts [--target NAME[,NAME...]|all] [--check-reproducible]`; without a target: for this machine.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { makeBuild } from "./build/make-build.ts";
import { readAssets } from "./package/assets.ts";
import { baseVersion } from "./package/bases.ts";
import { makeBinary } from "./package/make-binary.ts";
import { mergeManifest, type PackagedTarget, readManifest, writeManifest } from "./package/manifest.ts";
import { hostTarget, parseTargets, type Target } from "./package/targets.ts";
import { projectRoot } from "./toolchain.mjs";

const dist = join(projectRoot, "dist");
const { values } = parseArgs({ options: { target: { type: "string" }, "check-reproducible": { type: "boolean" } } });
const chosen = parseTargets(values.target ?? hostTarget?.name ?? "all");
const build = await makeBuild();
const made: PackagedTarget[] = [];
for (const target of chosen) made.push(await make(target, build.folder));
const file = join(dist, "manifest.json");
const now = { version: build.version, build: build.id, node: baseVersion(chosen), targets: made };
await writeManifest(file, mergeManifest(await readManifest(file), now));
if (values["check-reproducible"]) await checkReproducible();

/** Builds once more, caches and all, and says which targets come out with other bytes. */
async function checkReproducible(): Promise<void> {
  const again = await makeBuild(true);
  try {
    const differing: string[] = [];
    for (const [index, target] of chosen.entries()) {
      const { sha256 } = await make(target, again.folder, "again-");
      if (sha256 !== made[index]!.sha256) differing.push(target.name);
      await rm(join(dist, "package", `again-${target.name}`), { recursive: true });
    }
    if (again.id !== build.id || differing.length > 0) {
      process.stderr.write(`error: a second build has other bytes: ${differing.join(", ") || again.id}\n`);
      process.exitCode = 1;
    } else process.stderr.write("a second build has the same bytes\n");
  } finally {
    await rm(again.folder, { recursive: true, force: true });
  }
}

async function make(target: Target, folder: string, prefix = ""): Promise<PackagedTarget> {
  const startedAt = performance.now();
  const assets = await readAssets({ folder, withCodeCaches: target === hostTarget });
  const path = `package/${prefix}${target.name}/${target.file}`;
  const { size, sha256 } = await makeBinary(target, assets, join(dist, path));
  const tookMs = Math.round(performance.now() - startedAt);
  process.stderr.write(`packaged dist/${path}, ${(size / 1e6).toFixed(1)} MB, in ${tookMs} ms\n`);
  return { target: target.name, file: path, size, sha256, hasCodeCaches: assets.hasCodeCaches };
}
