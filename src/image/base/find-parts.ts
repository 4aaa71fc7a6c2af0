import type { TarMember } from "../layers/tar-reader.ts";

/** What a base image's layers say of it. */
export interface Found {
  /** C library and version, e.g. "glibc-2.36", "musl-1.2"; undefined when none was seen. */
  readonly libc: string | undefined;
  /** Versions of interpreters by path, e.g. "usr/local/bin/python3" -> "3.11". */
  readonly pythons: ReadonlyMap<string, string>;
}

const glibcFile = /(?:^|\/)lib(?:64)?\/(?:[\w-]+\/)?libc(?:\.so\.6|-2\.\d+\.so)$/;
const muslFile = /(?:^|\/)lib\/(?:ld-musl-[\w]+\.so\.1|libc\.musl-[\w]+\.so\.1)$/;
const interpreter = /(?:^|\/)(python3(?:\.\d+)?|python)$/;
/** A C library is two megabytes. */
const mostLibraryBytes = 32 << 20;

/** Takes notice of one member of a layer; layers are looked at in their order. */
export async function notice(member: TarMember, found: { libc: string | undefined; pythons: Map<string, string> }) {
  const { path, type } = member;
  if (type === "file" && found.libc === undefined && glibcFile.test(path) && member.bytes < mostLibraryBytes) {
    const version = glibcVersion(path, await member.read());
    if (version !== undefined) found.libc = `glibc-${version}`;
  }
  if (found.libc === undefined && muslFile.test(path)) found.libc = "musl-1.2";
  const name = interpreter.exec(path)?.[1];
  if (name === undefined || !/(?:^|\/)s?bin\//.test(path)) return;
  const version = /3\.\d+$/.exec(name)?.[0] ?? /python(3\.\d+)$/.exec(member.linkTarget)?.[1];
  if (version !== undefined) found.pythons.set(path, version);
}

/**
 * Decides which Python a base image's `python3` is.
 * @param env of the image's configuration: `NAME=VALUE` each
 * @returns for example "3.12"; undefined when there is none
 */
export function pythonVersion(env: readonly string[], { pythons }: Found): string | undefined {
  const path = variable(env, "PATH") ?? defaultPath;
  for (const folder of path.split(":").map((one) => one.replace(/^\/+|\/+$/g, ""))) {
    for (const name of ["python3", "python"]) {
      const version = pythons.get(`${folder}/${name}`);
      if (version !== undefined) return version;
    }
    // Its plain name may be a link that leads through another one.
    const versioned = [...pythons].filter(([file]) => file.startsWith(`${folder}/python3.`));
    if (versioned.length === 1) return versioned[0]![1];
  }
  return undefined;
}

/** @returns the version that official images of Python carry in their variables, e.g. "3.12.4" */
export function declaredPython(env: readonly string[]): string | undefined {
  const version = variable(env, "PYTHON_VERSION");
  return version !== undefined && /^3\.\d+(?:\.\d+)?/.test(version) ? version : undefined;
}

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

function variable(env: readonly string[], name: string): string | undefined {
  return env.findLast((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** The library says its version in a sentence that it prints when it is run. */
function glibcVersion(path: string, content: Buffer): string | undefined {
  const at = content.indexOf("GNU C Library ");
  const sentence = at < 0 ? "" : content.toString("latin1", at, at + 200);
  return /version (2\.\d+)/.exec(sentence)?.[1] ?? /libc-(2\.\d+)\.so$/.exec(path)?.[1];
}
