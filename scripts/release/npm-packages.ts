import { npmScopeOf, placeholderRepository } from "../../src/platform/releases.ts";

/** A package of npm as its files, by path. */
export interface NpmPackage {
  readonly name: string;
  readonly files: ReadonlyMap<string, string>;
}

interface Described {
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly repository: string;
}

/** The package that people install: a few lines that start the program of the package that fits their machine. */
export function npmWrapper(described: Described, targets: readonly string[]): NpmPackage {
  const { version, description, repository } = described;
  const name = npmName(repository);
  const optionalDependencies = Object.fromEntries(targets.map((target) => [`${name}-${target}`, version]));
  const json = {
    name,
    ...shared(described),
    description,
    bin: { cortex: "cortex.js" },
    files: ["cortex.js", ...legalFiles],
    engines: { node: ">=18" },
    optionalDependencies,
  };
  return {
    name,
    files: new Map([
      ["package.json", document(json)],
      ["cortex.js", npmShim(name)],
      ["README.md", `# Cortex\n\n${description}. See ${repository}.\n`],
    ]),
  };
}

/** A package with the program of one system, without the program; npm installs it on no other. */
export function npmPlatformPackage(described: Described, target: string): NpmPackage {
  const [system, architecture] = target.split("-") as [string, string];
  const program = system === "win" ? "cortex.exe" : "cortex";
  const json = {
    name: `${npmName(described.repository)}-${target}`,
    ...shared(described),
    description: `${described.description} (${target})`,
    os: [system === "win" ? "win32" : system],
    cpu: [architecture],
    ...(system === "linux" && { libc: ["glibc"] }),
    files: [program, ...legalFiles],
    preferUnplugged: true,
  };
  return { name: json.name, files: new Map([["package.json", document(json)]]) };
}

/** What belongs beside every program; a release puts it in. */
const legalFiles = ["LICENSE", "THIRD-PARTY-NOTICES.txt"];

/** npm publishes nothing that is private: so that nobody does it for an owner who is not known yet. */
function shared({ version, license, repository }: Described) {
  return { version, license, repository, ...(repository === placeholderRepository && { private: true }) };
}

function npmName(repository: string): string {
  return `${npmScopeOf(repository)}/cortex`;
}

function document(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Where Node can, the program takes the place of this one, and so gets signals and the terminal as if started by itself. */
const npmShim = (name: string) => `#!/usr/bin/env node
"use strict";
const { platform, arch, argv, env } = process;
const target = \`\${platform === "win32" ? "win" : platform}-\${arch}\`;
let program;
try {
  program = require.resolve(\`${name}-\${target}/cortex\${platform === "win32" ? ".exe" : ""}\`);
} catch {
  console.error(\`error: npm installed no cortex for \${target}\`);
  console.error("hint: Cortex is there for linux (glibc) and macOS on x64 and arm64 and for Windows on x64; npm must not omit optional packages");
  process.exit(1);
}
if (platform !== "win32" && process.execve) {
  try {
    process.execve(program, [program, ...argv.slice(2)], env);
  } catch {
    // Not on this system: as a child, then.
  }
}
const { spawn } = require("node:child_process");
const child = spawn(program, argv.slice(2), { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => {
  console.error(\`error: cannot start \${program}: \${error.message}\`);
  process.exit(1);
});
child.on("exit", (status, signal) => {
  if (signal === null) process.exit(status);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
`;
