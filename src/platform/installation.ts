import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

declare const __CORTEX_VERSION__: string | undefined;
declare const __CORTEX_BUILD__: string | undefined;

const here = dirname(fileURLToPath(import.meta.url));

/** True when Node runs the sources; false in a bundle, whose chunks lie in one folder with main.js, runtime and wheels. */
const runsFromSource = import.meta.url.endsWith("/src/platform/installation.ts");

/** The version that `cortex --version` prints. */
export function cortexVersion(): string {
  if (typeof __CORTEX_VERSION__ !== "undefined") return __CORTEX_VERSION__;
  return (JSON.parse(readFileSync(join(here, "../../package.json"), "utf8")) as { version: string }).version;
}

/** Tells two builds of one version apart; "dev" when run from source. */
export function buildId(): string {
  return typeof __CORTEX_BUILD__ === "undefined" ? "dev" : __CORTEX_BUILD__;
}

/** What starts this program again: the executable first, then the arguments that stand before a command's own. */
export function programArguments(): readonly [executable: string, ...rest: string[]] {
  return [process.execPath, runsFromSource ? join(here, "../main.ts") : join(here, "main.js")];
}

/** This Cortex as what it starts must know it. */
export function installation() {
  return {
    version: cortexVersion(),
    build: buildId(),
    program: programArguments(),
    /** The Python package that serves a handler, and what launches it. */
    runtimeFolder: runsFromSource ? join(here, "../runtime") : join(here, "runtime"),
    /** The wheels that the runtime needs; from source they are there once the project was built. */
    wheelsFolder: runsFromSource ? join(here, "../../dist/wheels") : join(here, "wheels"),
  } as const;
}
