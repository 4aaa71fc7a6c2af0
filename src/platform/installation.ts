import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { PackedFiles } from "./unpack-files.ts";

declare const __CORTEX_VERSION__: string | undefined;
declare const __CORTEX_REPOSITORY__: string | undefined;
declare const __CORTEX_BUILD__: string | undefined;

const here = dirname(fileURLToPath(import.meta.url));

/** True when Node runs the sources; false in a bundle, whose chunks lie in one folder with main.js, runtime and wheels. */
const runsFromSource = import.meta.url.endsWith("/src/platform/installation.ts");

/** Where the parts of Cortex that run in Python lie. */
export interface InstalledFiles {
  /** Holds launch.py, wheels.lock and the package cortex_runtime. */
  readonly runtimeFolder: string;
  /** Holds the wheels that the runtime needs; from source they are there once the project was built. */
  readonly wheelsFolder: string;
}

/** The version that `cortex --version` prints. */
export function cortexVersion(): string {
  if (typeof __CORTEX_VERSION__ !== "undefined") return __CORTEX_VERSION__;
  return ownPackage().version;
}

/** The address of the project, which package.json says: releases and packages are named after it. */
export function repositoryUrl(): string {
  return typeof __CORTEX_REPOSITORY__ === "undefined" ? ownPackage().repository : __CORTEX_REPOSITORY__;
}

function ownPackage(): { readonly version: string; readonly repository: string } {
  return JSON.parse(readFileSync(join(here, "../../package.json"), "utf8"));
}

/** Tells two builds of one version apart; "dev" when run from source. */
export function buildId(): string {
  return typeof __CORTEX_BUILD__ === "undefined" ? "dev" : __CORTEX_BUILD__;
}

/** Whether the program is one file, which holds all that belongs to it. */
export function isPackaged(): boolean {
  return process.getBuiltinModule("node:sea").isSea();
}

/** What starts this program again: the executable first, then the arguments that stand before a command's own. */
function programArguments(): readonly [executable: string, ...rest: string[]] {
  if (isPackaged()) return [process.execPath];
  return [process.execPath, ...process.execArgv, runsFromSource ? join(here, "../main.ts") : join(here, "main.js")];
}

/**
 * What an executable brings along is unpacked below `home` when it is first asked for.
 * @throws DISK_FULL, NOT_WRITABLE, INTERRUPTED
 */
async function installedFiles(home: string, signal: AbortSignal): Promise<InstalledFiles> {
  if (runsFromSource) return { runtimeFolder: join(here, "../runtime"), wheelsFolder: join(here, "../../dist/wheels") };
  const folder = isPackaged() ? await unpackOwnFiles(home, signal) : here;
  return { runtimeFolder: join(folder, "runtime"), wheelsFolder: join(folder, "wheels") };
}

async function unpackOwnFiles(home: string, signal: AbortSignal): Promise<string> {
  const { getAsset, getRawAsset } = process.getBuiltinModule("node:sea");
  const { unpackFiles } = await import("./unpack-files.ts");
  const packed: PackedFiles = {
    index: JSON.parse(getAsset("files.json", "utf8")),
    bytes: Buffer.from(getRawAsset("files.pack") as ArrayBuffer),
  };
  return unpackFiles(join(home, "programs"), buildId(), packed, signal);
}

/** This Cortex as what it starts must know it. */
export function installation() {
  return {
    version: cortexVersion(),
    build: buildId(),
    program: programArguments(),
    files: installedFiles,
  } as const;
}
