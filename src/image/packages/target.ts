import { CortexError } from "../../core/errors.ts";
import type { WheelTarget } from "../../packages/wheel-tags.ts";

/** For which machine and interpreter packages are looked for. */
export interface Target extends WheelTarget {
  /** As the registry names it, e.g. "amd64". */
  readonly architecture: string;
  /** As far as it is known, e.g. "3.12.4" or "3.12". */
  readonly python: string;
}

const machines: Readonly<Record<string, string>> = { amd64: "x86_64", arm64: "aarch64" };
/** The names that wheels had before they carried the version of glibc, by that version. */
const oldNames: Readonly<Record<number, string>> = { 17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1" };

/** @throws NOT_SUPPORTED for an architecture that there are no wheels for */
export function targetOf(architecture: string, python: string, libc: string): Target {
  const machine = machines[architecture];
  if (machine === undefined) {
    throw new CortexError(
      "NOT_SUPPORTED",
      `nodes of architecture ${architecture} are not supported, amd64 and arm64 are`,
      {
        hint: "deploy to a node group of another architecture",
      },
    );
  }
  const [major = 3, minor = 0] = python.split(".").map(Number);
  const platform = `linux-${machine}`;
  return { architecture, python, major, minor, implementation: "cpython", abiFlags: "", platform, libc };
}

export function machineOf({ platform }: Target): string {
  return platform.slice("linux-".length);
}

/** @returns the platforms whose wheels run on `target`, the newest first, as pip takes them */
export function wheelPlatforms(target: Target): string[] {
  const machine = machineOf(target);
  const [name, version = "0.0"] = target.libc.split("-");
  const minor = Number(version.split(".")[1]);
  const family = name === "musl" ? "musllinux_1" : "manylinux_2";
  const oldest = name === "musl" ? 0 : machine === "x86_64" ? 5 : 17;
  const platforms: string[] = [];
  for (let at = minor; at >= oldest; at -= 1) {
    platforms.push(`${family}_${at}_${machine}`);
    const old = name === "musl" ? undefined : oldNames[at];
    if (old) platforms.push(`${old}_${machine}`);
  }
  return [...platforms, `linux_${machine}`];
}

/**
 * What environment markers of requirements see, as the interpreter in the image would say it. Unknown, and therefore empty,
 * are the kernel's release and version; of the patch release of Python what the image declares.
 */
export function markerEnvironment(target: Target): Readonly<Record<string, string>> {
  const full = /^\d+\.\d+\.\d+/.exec(target.python)?.[0] ?? `${target.major}.${target.minor}.0`;
  return {
    implementation_name: "cpython",
    implementation_version: full,
    os_name: "posix",
    platform_machine: machineOf(target),
    platform_python_implementation: "CPython",
    platform_release: "",
    platform_system: "Linux",
    platform_version: "",
    python_full_version: full,
    python_version: `${target.major}.${target.minor}`,
    sys_platform: "linux",
  };
}

/** @returns for messages, e.g. "Python 3.12 on linux/amd64" */
export function describeTarget(target: Target): string {
  const musl = target.libc.startsWith("musl") ? " (Alpine's C library)" : "";
  return `Python ${target.major}.${target.minor} on linux/${target.architecture}${musl}`;
}
