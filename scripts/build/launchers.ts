import { posix } from "node:path";

/** What Node is started with. The loader says why the first; by the other a NODE_USE_ENV_PROXY of the user leads no request astray. */
export const nodeFlags = ["--use-openssl-ca", "--no-use-env-proxy"] as const;

/** What of a user's is meant for other programs: Node would obey it before it reads a line of this one. */
const foreign = ["NODE_OPTIONS", "NODE_COMPILE_CACHE", "NODE_DEBUG", "NODE_DEBUG_NATIVE", "NODE_V8_COVERAGE"];

interface Launched {
  /** The Node executable, relative to the launcher's folder, with forward slashes. */
  readonly node: string;
  /** The program's first file, likewise. */
  readonly main: string;
}

/**
 * `dist/cortex`: a shell script, since that costs about a millisecond, finds its own folder under any name, and can leave
 * out variables that are meant for other programs. It starts no other program unless it was called by a symbolic link.
 */
export function shellLauncher({ node, main }: Launched): string {
  return `#!/bin/sh
self=$0
while [ -L "$self" ]; do
  target=$(readlink "$self")
  case $target in
    /*) self=$target ;;
    *) self=\${self%/*}/$target ;;
  esac
done
case $self in
  */*) here=\${self%/*} ;;
  *) here=. ;;
esac
node=$here/${node}
if [ ! -x "$node" ]; then
  echo "error: the Node that Cortex was built with is gone ($node)" >&2
  echo "hint: npm ci && npm run build, in the folder of Cortex" >&2
  exit 1
fi
unset ${foreign.join(" ")}
exec "$node" ${nodeFlags.join(" ")} "$here/${main}" "$@"
`;
}

/** `dist/cortex.cmd`, the same for Windows. */
export function windowsLauncher({ node, main }: Launched): string {
  const backslashes = (path: string) => posix.normalize(path).replaceAll("/", "\\");
  const lines = [
    "@echo off",
    "setlocal",
    ...foreign.map((name) => `set "${name}="`),
    `"%~dp0${backslashes(node)}" ${nodeFlags.join(" ")} "%~dp0${backslashes(main)}" %*`,
    "exit /b %ERRORLEVEL%",
  ];
  return `${lines.join("\r\n")}\r\n`;
}
