import { execFile } from "node:child_process";
import { access, constants, open, realpath, stat } from "node:fs/promises";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { CortexError } from "../core/errors.ts";
import { openProbeCache, type ProbeCache } from "./probe-cache.ts";

export type Variables = Readonly<Record<string, string | undefined>>;

/** A Python interpreter as it describes itself. */
export interface Python {
  /** As it was found, e.g. /usr/bin/python3. */
  readonly path: string;
  /** The interpreter itself: links and virtual environments resolved. */
  readonly executable: string;
  /** For example "3.11.2". */
  readonly version: string;
  readonly major: number;
  readonly minor: number;
  /** For example "cpython". */
  readonly implementation: string;
  /** "t" for one without the global lock, else "". */
  readonly abiFlags: string;
  /** As in the names of wheels before their dots and dashes are replaced, e.g. "linux-x86_64", "macosx-14.4-arm64". */
  readonly platform: string;
  /** C library and version on Linux, e.g. "glibc-2.36"; else "". */
  readonly libc: string;
  readonly hasVenv: boolean;
  /** The pip that it could install into environments; null on systems that split it off. */
  readonly pipWheel: string | null;
  readonly hasPip: boolean;
}

/** A program and the arguments that come before its own. */
interface Candidate {
  readonly file: string;
  readonly args: readonly string[];
}

type Probed = { readonly python: Python } | { readonly failure: string };

const oldest = { major: 3, minor: 9 };
/** Looked for when the plain names are too old, as on systems whose own tools need an old Python. */
const versionedNames = Array.from({ length: 7 }, (_, index) => `python3.${15 - index}`);
const probeTimeoutMs = 30_000;

// Runs without site-packages; Python 3.4 and later understand it, older ones are too old anyway.
const probe = `
import json, os, sys
version = ".".join(str(part) for part in sys.version_info[:3])
found = {"version": version, "major": sys.version_info[0], "minor": sys.version_info[1]}
if sys.version_info >= (${oldest.major}, ${oldest.minor}):
    import importlib.util, sysconfig
    real = os.path.realpath(sys.executable)
    # An environment that holds a copy of its interpreter names the folder of the real one.
    home = getattr(sys, "_home", None)
    cfg = os.path.join(os.path.dirname(os.path.dirname(real)), "pyvenv.cfg")
    if home is None and os.path.exists(cfg):
        with open(cfg, encoding="utf-8") as lines:
            home = next((line.split("=", 1)[1].strip() for line in lines if line.split("=")[0].strip() == "home"), None)
        name = os.path.basename(real)
        candidates = [os.path.join(home or "", one) for one in (name, "python3", "python", "python.exe")]
        real = next((os.path.realpath(one) for one in candidates if os.path.exists(one)), real)
    platform, libc = sysconfig.get_platform(), ""
    if platform.startswith("linux"):
        try:
            libc = os.confstr("CS_GNU_LIBC_VERSION").replace(" ", "-")
        except (ValueError, OSError, AttributeError):
            libc = "musl-1.2"
    if platform.startswith("macosx"):
        import platform as system
        platform = "macosx-" + system.mac_ver()[0] + "-" + system.machine()
    bundled = os.path.join(os.path.dirname(os.__file__), "ensurepip", "_bundled")
    wheels = [one for one in os.listdir(bundled) if one.startswith("pip-")] if os.path.isdir(bundled) else []
    if importlib.util.find_spec("ensurepip") is None:
        wheels = []
    found.update(
        executable=real, implementation=sys.implementation.name, platform=platform, libc=libc,
        abiFlags="t" if "t" in getattr(sys, "abiflags", "") else "",
        hasVenv=importlib.util.find_spec("venv") is not None,
        pipWheel=os.path.join(bundled, sorted(wheels)[-1]) if wheels else None,
        hasPip=any(os.path.isdir(os.path.join(one, "pip")) for one in [
            sysconfig.get_path("purelib"), os.path.join(os.path.dirname(os.path.dirname(os.__file__)), "python3", "dist-packages")]),
    )
print(json.dumps(found))
`;

/**
 * Finds the Python that handlers run with: `CORTEX_PYTHON`, else the first usable one on the PATH.
 * @param cacheFile where answers are kept, since asking an interpreter takes as long as starting it
 * @throws PYTHON_UNUSABLE when there is none from 3.9 on
 */
export async function findPython(variables: Variables, signal: AbortSignal, cacheFile?: string): Promise<Python> {
  const cache = cacheFile === undefined ? undefined : await openProbeCache(cacheFile);
  const failures: string[] = [];
  const candidates = await listCandidates(variables);
  for (const candidate of candidates) {
    const probed = await probeOnce(candidate, variables, cache, signal);
    if ("python" in probed) {
      await cache?.save();
      return probed.python;
    }
    failures.push(probed.failure);
  }
  throw unusable(variables, failures);
}

/** @returns the full path of program `name`, undefined when it is on no folder of the PATH */
export async function findOnPath(name: string, variables: Variables): Promise<string | undefined> {
  const folders = pathOf(variables)
    .split(delimiter)
    .filter((folder) => isAbsolute(folder));
  const endings = process.platform === "win32" ? (variables.PATHEXT ?? ".EXE;.CMD;.BAT").split(";") : [""];
  for (const folder of folders) {
    for (const ending of endings) {
      const file = join(folder, name + ending);
      if (await isProgram(file)) return file;
    }
  }
  return undefined;
}

async function listCandidates(variables: Variables): Promise<Candidate[]> {
  const named = variables.CORTEX_PYTHON;
  if (named) {
    const isPath = named.includes("/") || named.includes("\\");
    const file = isPath ? named : await findOnPath(named, variables);
    return [{ file: file ?? named, args: [] }];
  }
  const wanted: (readonly [string, ...string[]])[] =
    process.platform === "win32"
      ? [["python"], ["py", "-3"]]
      : [["python3"], ["python"], ...versionedNames.map((name) => [name] as const)];
  const found = await Promise.all(
    wanted.map(async ([name, ...args]) => ({ file: await findOnPath(name, variables), args })),
  );
  return found.flatMap(({ file, args }) => (file === undefined ? [] : [{ file, args }]));
}

async function probeOnce(
  candidate: Candidate,
  variables: Variables,
  cache: ProbeCache | undefined,
  signal: AbortSignal,
): Promise<Probed> {
  const key = cache && (await fingerprint(candidate, variables));
  const known = key && cache.get(key);
  if (known && (await isProgram(known.executable))) return { python: known };
  const probed = await runProbe(candidate, variables, signal);
  if (key && "python" in probed) cache.set(key, probed.python);
  return probed;
}

async function runProbe(candidate: Candidate, variables: Variables, signal: AbortSignal): Promise<Probed> {
  const { file, args } = candidate;
  signal.throwIfAborted();
  const output = await new Promise<string | Error>((resolve) => {
    execFile(
      file,
      [...args, "-I", "-S", "-c", probe],
      {
        env: { ...variables },
        signal,
        timeout: probeTimeoutMs,
        killSignal: "SIGKILL",
        windowsHide: true,
        cwd: dirname(file),
      },
      (error, stdout) => resolve(error ?? stdout),
    );
  });
  signal.throwIfAborted();
  const described = typeof output === "string" ? parseProbe(output) : undefined;
  if (!described) return { failure: `${file} does not run${explain(output)}` };
  const { major, minor, version } = described;
  if (major < oldest.major || (major === oldest.major && minor < oldest.minor)) {
    return { failure: `${file} is Python ${version}` };
  }
  return { python: { ...described, path: file } };
}

function parseProbe(output: string): Python | undefined {
  try {
    return JSON.parse(output) as Python;
  } catch {
    return undefined;
  }
}

function explain(output: string | Error): string {
  if (typeof output === "string") return "";
  if ((output as NodeJS.ErrnoException).code === "ENOENT") return ": there is no such file";
  return output.message.includes("Unknown option: -I") ? ": it is Python 2" : "";
}

function unusable(variables: Variables, failures: readonly string[]): CortexError {
  const wanted = `Python ${oldest.major}.${oldest.minor} or later`;
  if (variables.CORTEX_PYTHON) {
    return new CortexError("PYTHON_UNUSABLE", `CORTEX_PYTHON cannot be used: ${failures[0]}, ${wanted} is needed`, {
      hint: `set CORTEX_PYTHON to the path of ${wanted}`,
    });
  }
  const message =
    failures.length === 0
      ? `${wanted} is needed, and there is no Python on the PATH`
      : `${wanted} is needed, but ${failures[0]}`;
  return new CortexError("PYTHON_UNUSABLE", message, {
    hint: "install one (https://www.python.org/downloads/), or name one that is not on the PATH with CORTEX_PYTHON",
  });
}

/**
 * What the answer of an interpreter depends on; undefined when it is not there. A script in its place (the shims of
 * pyenv and the like) chooses by variables and by a file beside its folder, so these count too.
 */
async function fingerprint({ file, args }: Candidate, variables: Variables): Promise<string | undefined> {
  try {
    const real = await realpath(file);
    const { size, mtimeMs } = await stat(real);
    const parts: unknown[] = [file, args, real, size, mtimeMs];
    if (await isScript(real)) {
      const choice = await stat(join(dirname(dirname(real)), "version")).catch(() => undefined);
      const choosers = Object.entries(variables).filter(([name]) => /^(PYENV|ASDF|MISE|RTX)_/.test(name));
      parts.push(choice?.mtimeMs ?? null, choosers.sort());
    }
    return JSON.stringify(parts);
  } catch {
    return undefined;
  }
}

async function isScript(file: string): Promise<boolean> {
  await using handle = await open(file, "r");
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
  return bytesRead === 2 && buffer.toString("latin1") === "#!";
}

async function isProgram(file: string): Promise<boolean> {
  try {
    const { size } = await stat(file).then((info) => (info.isFile() ? info : { size: 0 }));
    // The Windows store leaves empty files under Python's name that only advertise.
    if (size === 0) return false;
    await access(file, process.platform === "win32" ? constants.F_OK : constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function pathOf(variables: Variables): string {
  const name = Object.keys(variables).find((key) => key.toUpperCase() === "PATH");
  return (name && variables[name]) || "";
}
