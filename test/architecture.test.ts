import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");
const source = join(root, "src");
/** A guide is 300; what is longer than this has a second idea inside. */
const mostLines = 500;

/** Which parts a part may know, itself included. A part is the first folder below src, or an environment. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  main: [
    "main",
    "cli",
    "core",
    "spec",
    "platform",
    "project",
    "kubernetes",
    "image",
    "cluster",
    "environments/local",
    "environments/kubernetes",
    "aws",
    "upgrade",
  ],
  cli: ["cli", "core", "spec", "platform"],
  core: ["core", "spec"],
  spec: ["spec", "core/errors"],
  platform: ["platform", "core/errors"],
  project: ["project", "core", "spec", "platform"],
  /** Which packages a project asks for, and the programs and wheels that bring them. */
  packages: ["packages", "core", "spec", "platform"],
  /** The one Kubernetes client. */
  kubernetes: ["kubernetes", "core", "spec/nearest", "platform"],
  /** The one wrapper around the AWS SDK. */
  aws: ["aws", "core", "spec", "platform"],
  /** Newer versions of this program. */
  upgrade: ["upgrade", "core", "platform", "packages/unzip", "image/layers/tar-reader"],
  image: ["image", "aws", "packages", "core", "spec", "platform", "project"],
  cluster: ["cluster", "aws", "kubernetes", "core", "spec", "platform"],
  "environments/local": ["environments/local", "packages", "core", "spec", "platform", "project"],
  "environments/kubernetes": [
    "environments/kubernetes",
    "kubernetes",
    "image",
    "packages",
    "core",
    "spec",
    "platform",
    "project",
  ],
};

/** Packages that cost time to load: they enter by `import()` where they are used; a file of `aws/services` enters so itself. */
const onlyLazily = ["@aws-sdk", "chalk", "ignore", "yaml", "zod"];

interface Import {
  readonly from: string;
  readonly to: string;
  readonly kind: "type" | "static" | "dynamic";
}

const files = readdirSync(source, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => path.replaceAll("\\", "/"));
const imports = files.flatMap(importsOf);
const within = imports.filter(({ to }) => to.endsWith(".ts"));

describe("imports", () => {
  test("every part of the sources has its rule", () => {
    expect([...new Set(files.map(partOf))].filter((part) => !(part in mayImport))).toEqual([]);
  });

  test("point inwards: cli -> core <- environments", () => {
    const wrong = within.filter(({ from, to }) => !mayImport[partOf(from)]?.some((part) => isIn(to, part)));
    expect(wrong.map(describeImport)).toEqual([]);
  });

  test("lead to files that exist, in the sources only", () => {
    const wrong = within.filter(({ to }) => to.startsWith("..") || !existsSync(join(source, to)));
    expect(wrong.map(describeImport)).toEqual([]);
  });

  test("form no circle, types aside", () => {
    expect(circles(within.filter(({ kind }) => kind === "static"))).toEqual([]);
  });

  test("bring slow packages in only where they are used", () => {
    const isService = (path: string) => path.startsWith("aws/services/");
    const wrong = imports.filter(
      ({ from, to, kind }) => kind === "static" && onlyLazily.some((name) => isIn(to, name)) && !isService(from),
    );
    expect(wrong.map(describeImport)).toEqual([]);
  });

  test("bring the parser of the command line into cli only", () => {
    const wrong = imports.filter(({ from, to }) => to === "commander" && partOf(from) !== "cli");
    expect(wrong.map(describeImport)).toEqual([]);
  });

  test("of main.ts load no package before it is known what is wanted", () => {
    const loaded = reachable("main.ts", ({ kind }) => kind === "static");
    expect([...loaded].filter((name) => !name.endsWith(".ts") && !name.startsWith("node:"))).toEqual([]);
  });
});

describe("core", () => {
  const core = files.filter((path) => path.startsWith("core/"));

  test("touches neither the process nor the system: what it needs comes in as a port", () => {
    const wrong = imports.filter(
      ({ from, to, kind }) => from.startsWith("core/") && kind !== "type" && to.startsWith("node:"),
    );
    expect(wrong.map(describeImport)).toEqual([]);
    expect(core.filter((path) => /(?<![.\w"'])process\.|\bconsole\.|\bfetch\(/.test(code(path)))).toEqual([]);
  });

  test("lets the time be given to it", () => {
    expect(core.filter((path) => /\bDate\.now\(|\bperformance\.now\(|new Date\(\)/.test(code(path)))).toEqual([]);
  });
});

describe("sources", () => {
  test(`are files of at most ${mostLines} lines`, () => {
    const lines = (path: string) => readFileSync(join(source, path), "utf8").split("\n").length;
    expect(files.map((path) => [path, lines(path)] as const).filter(([, count]) => count > mostLines)).toEqual([]);
  });

  test("know where they lie in one file only, since a bundle lies elsewhere", () => {
    expect(files.filter((path) => code(path).includes("import.meta"))).toEqual(["platform/installation.ts"]);
  });
});

describe("what is committed", () => {
  const committed = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" })
    .split("\0")
    .filter((path) => path !== "" && existsSync(join(root, path)));
  const texts = committed
    .map((path) => [path, readFileSync(join(root, path), "utf8")] as const)
    .filter(([, text]) => !text.includes("\0"));
  const filesWith = (pattern: RegExp) => texts.filter(([, text]) => pattern.test(text)).map(([path]) => path);

  test("names no folder of the machine that it was written on", () => {
    // Pieces, so that this file does not find itself.
    const folders = [
      root,
      "/wo" + "rk",
      "/works" + "paces?",
      "/ho" + "me/\\w+",
      "/Us" + "ers/\\w+",
      "\\.\\./sha" + "red",
    ];
    // Continuous integration alone knows where its cluster comes from.
    expect(filesWith(new RegExp(`(?<![\\w.~$}-])(?:${folders.join("|")})/`))).toEqual([".ci/run"]);
  });

  test("locks packages by version and hash, whatever registry they come from", () => {
    const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")) as {
      packages: Record<string, { readonly version: string; readonly integrity?: string; readonly resolved?: string }>;
    };
    const locked = Object.entries(packages).filter(([path]) => path !== "");
    expect(locked.filter(([, { integrity, resolved }]) => !integrity || resolved).map(([path]) => path)).toEqual([]);
    expect(readFileSync(join(root, ".npmrc"), "utf8")).not.toMatch(/registry\s*=|_auth/i);
  });

  test("holds nothing that is built, installed or secret", () => {
    expect(
      committed.filter((path) => /(^|\/)(node_modules|dist|\.venv|__pycache__)\/|\.pyc$|\.pem$/.test(path)),
    ).toEqual([]);
    expect(filesWith(/-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----|AKIA[0-9A-Z]{16}/)).toEqual([]);
  });
});

function importsOf(from: string): Import[] {
  const text = readFileSync(join(source, from), "utf8");
  const target = (name: string) =>
    name.startsWith(".") ? relative(source, resolve(source, dirname(from), name)) : name;
  const statements = text.matchAll(/^(?:import|export)\s+(type\s)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"/gm);
  const calls = text.matchAll(/\bimport\(\s*"([^"]+)"\s*\)/g);
  return [
    ...[...statements].map(([, type, name]) => ({ from, to: target(name!), kind: type ? "type" : "static" }) as const),
    ...[...calls].map(([, name]) => ({ from, to: target(name!), kind: "dynamic" }) as const),
  ].map((one) => ({ ...one, to: one.to.replaceAll("\\", "/") }));
}

function partOf(path: string): string {
  const [first, second] = path.split("/");
  if (second === undefined) return first!.replace(/\.ts$/, "");
  return first === "environments" ? `${first}/${second}` : first!;
}

function isIn(path: string, part: string): boolean {
  return path === part || path === `${part}.ts` || path.startsWith(`${part}/`);
}

function describeImport({ from, to, kind }: Import): string {
  return `${from} -> ${to} (${kind})`;
}

/** The text of a file without its comments. */
function code(path: string): string {
  return readFileSync(join(source, path), "utf8").replaceAll(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, "");
}

function reachable(from: string, follows: (one: Import) => boolean): Set<string> {
  const found = new Set([from]);
  for (const path of found) {
    for (const one of imports) if (one.from === path && follows(one)) found.add(one.to);
  }
  return found;
}

/** @returns every circle once, as the path around it */
function circles(edges: readonly Import[]): string[] {
  const next = Map.groupBy(edges, ({ from }) => from);
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, way: readonly string[]) => {
    if (way.includes(path)) found.push([...way.slice(way.indexOf(path)), path].join(" -> "));
    if (done.has(path) || way.includes(path)) return;
    for (const { to } of next.get(path) ?? []) visit(to, [...way, path]);
    done.add(path);
  };
  for (const path of next.keys()) visit(path, []);
  return found;
}
