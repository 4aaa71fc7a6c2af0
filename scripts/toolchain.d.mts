import type { SpawnOptions } from "node:child_process";

export const projectRoot: string;
export function packagedNode(): string | undefined;
export function missingPackages(): string | undefined;
export function installPackages(options?: { readonly quiet?: boolean }): Promise<boolean>;
export function projectNode(): string;
export function runWithProjectNode(script: string, args: readonly string[]): Promise<number>;
export function run(
  program: string,
  args: readonly string[],
  options?: SpawnOptions & { readonly niceness?: number },
): Promise<number>;
export function pythonProblem(): string | undefined;
