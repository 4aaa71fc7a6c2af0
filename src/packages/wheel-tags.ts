import type { Python } from "./find-python.ts";

/** What decides whether a wheel can be used. */
export type WheelTarget = Pick<Python, "major" | "minor" | "implementation" | "abiFlags" | "platform" | "libc">;

/** @returns whether the wheel of that file name runs on `target`; see the binary distribution format of PyPA */
export function wheelFits(fileName: string, target: WheelTarget): boolean {
  const parts = fileName.replace(/\.whl$/, "").split("-");
  const [pythons, abis, platforms] = parts.slice(-3).map((tag) => tag.split("."));
  if (parts.length < 5 || !pythons || !abis || !platforms) return false;
  return (
    platforms.some((platform) => platformFits(platform, target)) &&
    pythons.some((python) => abis.some((abi) => pythonFits(python, abi, target)))
  );
}

function pythonFits(python: string, abi: string, { major, minor, implementation, abiFlags }: WheelTarget): boolean {
  const match = /^(py|cp)(\d)(\d*)$/.exec(python);
  if (!match || Number(match[2]) !== major) return false;
  const wanted = match[3] === "" ? 0 : Number(match[3]);
  if (match[1] === "py") return abi === "none" && wanted <= minor;
  if (implementation !== "cpython") return false;
  if (abi === "abi3") return abiFlags === "" && wanted <= minor;
  if (wanted !== minor) return false;
  return abi === "none" || abi === `cp${major}${minor}${abiFlags}`;
}

function platformFits(platform: string, { platform: own, libc }: WheelTarget): boolean {
  if (platform === "any") return true;
  if (own.startsWith("linux-")) return linuxFits(platform, own.slice("linux-".length), libc);
  if (own.startsWith("macosx-")) return macFits(platform, own);
  return platform === own.replace(/[-.]/g, "_");
}

/** The names from before they carried the version of glibc. */
const oldNames: Readonly<Record<string, string>> = {
  manylinux1: "manylinux_2_5",
  manylinux2010: "manylinux_2_12",
  manylinux2014: "manylinux_2_17",
};

function linuxFits(platform: string, architecture: string, libc: string): boolean {
  const current = platform.replace(/^manylinux(1|2010|2014)(?=_)/, (name) => oldNames[name]!);
  const match = /^(many|musl)linux_(\d+)_(\d+)_(.+)$/.exec(current);
  if (!match) return platform === `linux_${architecture}`;
  const [name, version = "0.0"] = libc.split("-");
  return (
    match[4] === architecture &&
    name === (match[1] === "many" ? "glibc" : "musl") &&
    isAtLeast(version, Number(match[2]), Number(match[3]))
  );
}

function macFits(platform: string, own: string): boolean {
  const [, version = "0", architecture = ""] = own.split("-");
  const match = /^macosx_(\d+)_(\d+)_(.+)$/.exec(platform);
  if (!match) return false;
  const isOurs = match[3] === architecture || match[3] === "universal2";
  return isOurs && isAtLeast(version, Number(match[1]), Number(match[2]));
}

function isAtLeast(version: string, major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split(".").map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}
