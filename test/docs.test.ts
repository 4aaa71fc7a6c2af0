import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { createBench } from "./support/cortex.ts";

const root = resolve(import.meta.dirname, "..");
const documents = ["README.md", "CONTRIBUTING.md", ...markdownIn("docs"), ...markdownIn("examples")];
const runnable = documents.filter((path) => /^```console$/m.test(read(path)) && (!needsCluster(path) || hasCluster()));

interface File {
  readonly type: "file";
  readonly path: string;
  readonly content: string;
}

interface Command {
  readonly type: "command";
  readonly command: string;
  /** Lines that its output has, in this order; others may stand between them. */
  readonly expected: readonly string[];
}

describe.skipIf(process.platform === "win32" || !hasCurl())("commands in the documents", () => {
  test.each(runnable)("%s shows what they print", { timeout: 180_000 }, async (path) => {
    await using bench = await createBench();
    const folder = await bench.project({});
    mkdirSync(folder, { recursive: true });
    const env = {
      ...process.env,
      CORTEX_HOME: bench.home,
      CORTEX_LOCAL_PORT: String(bench.port),
      PATH: `${join(root, "dist")}:${process.env.PATH}`,
      ...(needsCluster(path) && { KUBECONFIG: process.env.CORTEX_TEST_KUBECONFIG }),
    };
    const text = read(path)
      .replaceAll("localhost:8888", `localhost:${bench.port}`)
      .replaceAll("--registry registry.example.com/models", registryFlags());
    for (const step of stepsOf(text)) {
      if (step.type === "file") writeInto(folder, step);
      else {
        const { stdout } = spawnSync("sh", ["-c", `{ ${step.command}\n} 2>&1`], { cwd: folder, env, encoding: "utf8" });
        expect(missingLines(stdout, step.expected), `$ ${step.command}\n${stdout}`).toEqual([]);
      }
    }
  });
});

describe("links in the documents", () => {
  test.each(documents)("%s: lead to files that are there", (path) => {
    const links = [...read(path).matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link]) => link!);
    const known = new Set(execFileSync("git", ["ls-files"], { cwd: root, encoding: "utf8" }).split("\n"));
    const isThere = (link: string) => {
      const target = join(dirname(path), link).replace(/\/$/, "");
      return known.has(target) || [...known].some((name) => name.startsWith(`${target}/`));
    };
    expect(links.filter((link) => !isThere(link))).toEqual([]);
  });
});

/** Files (a fenced block after `<!-- file: PATH -->`) and commands (lines of `console` blocks that begin with `$`). */
function stepsOf(text: string): (File | Command)[] {
  const blocks = text.matchAll(/(?:<!-- file: (\S+) -->\s+)?^```(\w*)\n([\s\S]*?)^```$/gm);
  return [...blocks].flatMap(([, path, language, content]): (File | Command)[] => {
    if (path) return [{ type: "file", path, content: content! }];
    return language === "console" ? commandsOf(content!) : [];
  });
}

function commandsOf(block: string): Command[] {
  return block
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command, ...expected] = part.trimEnd().split("\n");
      return { type: "command", command: command!, expected: expected.filter((line) => line.trim() !== "") };
    });
}

/** @returns the lines of `expected` that `output` lacks, durations and widths aside */
function missingLines(output: string, expected: readonly string[]): string[] {
  const lines = output.split("\n").map(simplified);
  let position = 0;
  return expected.filter((line) => {
    const found = lines.findIndex((one, index) => index >= position && one.includes(simplified(line)));
    if (found >= 0) position = found + 1;
    return found < 0;
  });
}

function simplified(line: string): string {
  return line
    .replaceAll(/\s+/g, " ")
    .replaceAll(/\b\d+(\.\d+)?(ms|s|m|h)\b/g, "TIME")
    .trim();
}

function writeInto(folder: string, { path, content }: File): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}

function markdownIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `${folder}/${name}`);
}

function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** Commands of such a document change a cluster: the disposable one of CORTEX_TEST_KUBECONFIG, or none. */
function needsCluster(path: string): boolean {
  return read(path).startsWith("<!-- needs: a cluster -->");
}

function hasCluster(): boolean {
  return Boolean(process.env.CORTEX_TEST_KUBECONFIG && process.env.CORTEX_TEST_REGISTRY);
}

function registryFlags(): string {
  const { CORTEX_TEST_REGISTRY: registry, CORTEX_TEST_BASE_IMAGE: image } = process.env;
  return `--registry ${registry}${image ? ` --base-image ${image}` : ""}`;
}

function hasCurl(): boolean {
  return spawnSync("curl", ["--version"]).status === 0;
}
