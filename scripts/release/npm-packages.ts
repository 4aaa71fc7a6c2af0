import { npmScope, releasesUrl } from "../../src/platform/releases.ts";

/** A package of npm as its files, by path. */
export interface NpmPackage {
  readonly name: string;
  readonly files: ReadonlyMap<string, string>;
}

interface Described {
  readonly version: string;
  readonly description: string;
  readonly license: string;
}

const repository = releasesUrl.replace(/\/releases$/, "");

/** The package that people install: a few lines that start the program of the package that fits their machine. */
export function npmWrapper({ version, description, license }: Described, targets: readonly string[]): NpmPackage {
  const optionalDependencies = Object.fromEntries(targets.map((target) => [platformPackage(target), version]));
  const json = {
    name: `${npmScope}/cortex`,
    version,
    description,
    license,
    repository,
    bin: { cortex: "cortex.js" },
    files: ["cortex.js", "THIRD-PARTY-NOTICES.txt"],
    engines: { node: ">=18" },
    optionalDependencies,
  };
  return {
    name: json.name,
    files: new Map([
      ["package.json", document(json)],
      ["cortex.js", npmShim],
      ["README.md", readme(description)],
    ]),
  };
}

/** A package with the program of one system, without the program; npm installs it on no other. */
export function npmPlatformPackage({ version, description, license }: Described, target: string): NpmPackage {
  const [system, architecture] = target.split("-") as [string, string];
  const program = system === "win" ? "cortex.exe" : "cortex";
  const json = {
    name: platformPackage(target),
    version,
    description: `${description} (${target})`,
    license,
    repository,
    os: [system === "win" ? "win32" : system],
    cpu: [architecture],
    ...(system === "linux" && { libc: ["glibc"] }),
    files: [program, "THIRD-PARTY-NOTICES.txt"],
    preferUnplugged: true,
  };
  return { name: json.name, files: new Map([["package.json", document(json)]]) };
}

function platformPackage(target: string): string {
  return `${npmScope}/cortex-${target}`;
}

function document(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function readme(description: string): string {
  return `# Cortex\n\n${description}. See ${repository}.\n`;
}

/** Where Node can, the program takes the place of this one, and so gets signals and the terminal as if started by itself. */
const npmShim = `#!/usr/bin/env node
"use strict";
const { platform, arch, argv, env } = process;
const target = \`\${platform === "win32" ? "win" : platform}-\${arch}\`;
let program;
try {
  program = require.resolve(\`${npmScope}/cortex-\${target}/cortex\${platform === "win32" ? ".exe" : ""}\`);
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
