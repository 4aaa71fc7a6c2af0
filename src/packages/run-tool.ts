import { spawn } from "node:child_process";
import { LineSplitter } from "../platform/line-splitter.ts";
import { killGroup } from "../platform/processes.ts";

export interface ToolRun {
  readonly program: readonly [string, ...string[]];
  readonly cwd: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Any interpreter: it guards the tool, see below. Without one a tool may outlive this process when that is killed. */
  readonly python: string | undefined;
  readonly onLine: (line: string) => void;
}

export interface ToolEnd {
  readonly succeeded: boolean;
  /** The last lines that it printed, without credentials. */
  readonly lastLines: readonly string[];
}

const rememberedLines = 200;
const longestLine = 2_000;

// The tool's process group ends with this process, however that ends: the guard's input is a pipe that nobody writes to.
const guard = `
import os, signal, subprocess, sys, threading
def end_with_parent():
    os.read(0, 1)
    os.killpg(0, signal.SIGKILL)
threading.Thread(target=end_with_parent, daemon=True).start()
code = subprocess.call(sys.argv[1:], stdin=subprocess.DEVNULL)
os._exit(code if code >= 0 else 128 - code)
`;

/** Runs a program to its end. @throws the reason of `signal` when it aborts; then nothing of the program is left */
export async function runTool(tool: ToolRun, signal: AbortSignal): Promise<ToolEnd> {
  signal.throwIfAborted();
  const isWindows = process.platform === "win32";
  const isGuarded = !isWindows && tool.python !== undefined;
  const [file, ...args]: [string, ...string[]] = !isGuarded
    ? [...tool.program]
    : [tool.python, "-I", "-S", "-c", guard, ...tool.program];
  const lastLines: string[] = [];
  const child = spawn(file, args, {
    cwd: tool.cwd,
    env: tool.variables,
    detached: !isWindows,
    windowsHide: true,
    stdio: [isWindows ? "ignore" : "pipe", "pipe", "pipe"],
  });
  child.stdin?.on("error", () => {});
  for (const stream of [child.stdout!, child.stderr!]) {
    const splitter = new LineSplitter();
    const take = (lines: readonly string[]) => {
      for (const raw of lines) {
        const line = withoutCredentials(raw.split("\r").at(-1)!.trimEnd().slice(0, longestLine));
        if (line === "") continue;
        lastLines.push(line);
        if (lastLines.length > rememberedLines) lastLines.shift();
        tool.onLine(line);
      }
    };
    stream.on("data", (chunk: Buffer) => take(splitter.push(chunk)));
    stream.on("end", () => take(splitter.end()));
  }
  const abort = () => {
    if (child.pid !== undefined) killGroup(child.pid, "SIGKILL");
  };
  signal.addEventListener("abort", abort, { once: true });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    });
    signal.throwIfAborted();
    return { succeeded: code === 0, lastLines };
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Hides the user and password of every address in `line`. */
export function withoutCredentials(line: string): string {
  return line.replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/@]+@/gi, "$1****@");
}
