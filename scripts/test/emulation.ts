import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** Where Debian's `libc6-arm64-cross` and its like put what programs of that processor are linked with. */
export const arm64Libraries = "/usr/aarch64-linux-gnu";

/** @returns the path of the qemu that runs programs for linux-arm64 on this machine of another kind; undefined where there is none */
export function findEmulator(): string | undefined {
  if (process.platform !== "linux" || process.arch === "arm64") return undefined;
  if (!existsSync(`${arm64Libraries}/lib/ld-linux-aarch64.so.1`)) return undefined;
  // Undefined where there is no shell on the PATH.
  const { stdout }: { stdout?: Buffer } = spawnSync("sh", [
    "-c",
    "command -v qemu-aarch64-static || command -v qemu-aarch64",
  ]);
  return stdout?.toString().trim() || undefined;
}
