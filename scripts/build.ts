// Makes dist/: `dist/cortex`, which starts the newest of `dist/builds/`, each of which is whole and never changed again, so
// that a program that runs while it is rebuilt keeps all it has. `node scripts/build.ts`
import { makeBuild } from "./build/make-build.ts";

const startedAt = performance.now();
const { id } = await makeBuild();
const tookMs = Math.round(performance.now() - startedAt);
process.stderr.write(`built dist/cortex, build ${id}, in ${tookMs} ms\n`);
