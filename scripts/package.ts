// Makes one executable per system of what `npm run build` makes, and says in dist/manifest.json what they are.
// `node scripts/package.ts [--target NAME[,NAME…]|all]`; without it: for this machine.
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
const { values } = parseArgs({ options: { target: { type: "string" } } });
const chosen = parseTargets(values.target ?? hostTarget?.name ?? "all");
const build = await makeBuild();
const made: PackagedTarget[] = [];
for (const target of chosen) made.push(await make(target));
const file = join(dist, "manifest.json");
const now = { version: build.version, build: build.id, node: baseVersion(chosen), targets: made };
await writeManifest(file, mergeManifest(await readManifest(file), now));

async function make(target: Target): Promise<PackagedTarget> {
  const startedAt = performance.now();
  const codeCaches = target === hostTarget ? "own" : undefined;
  const assets = await readAssets({ folder: build.folder, codeCaches });
  const path = `package/${target.name}/${target.file}`;
  const { size, sha256 } = await makeBinary(target, assets, join(dist, path));
  const tookMs = Math.round(performance.now() - startedAt);
  process.stderr.write(`packaged dist/${path}, ${(size / 1e6).toFixed(1)} MB, in ${tookMs} ms\n`);
  return { target: target.name, file: path, size, sha256, hasCodeCaches: assets.hasCodeCaches };
}
