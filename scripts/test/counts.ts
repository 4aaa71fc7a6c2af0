import { readFile } from "node:fs/promises";

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function countCheck(status: number): Counts {
  return status === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

/** Reads vitest's JSON report. A file that could not even be loaded counts as one failed test. */
export async function countVitest(report: string, status: number): Promise<Counts> {
  const text = await readIfThere(report);
  if (text === undefined) return countCheck(status === 0 ? 1 : status);
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(text) as {
    numPassedTests: number;
    numFailedTests: number;
    numPendingTests: number;
    numTodoTests: number;
    testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
  };
  const unloaded = testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0).length;
  const failed = numFailedTests + unloaded;
  return { passed: numPassedTests, failed: atLeastOne(failed, status), skipped: numPendingTests + numTodoTests };
}

/** Reads the JUnit report that pytest writes. */
export async function countJunit(report: string, status: number): Promise<Counts> {
  const suite = (await readIfThere(report))?.match(/<testsuite\b[^>]*>/)?.[0];
  if (!suite) return countCheck(status === 0 ? 1 : status);
  const count = (name: string) => Number(suite.match(new RegExp(`\\b${name}="(\\d+)"`))?.[1] ?? 0);
  const failed = count("failures") + count("errors");
  const skipped = count("skipped");
  return { passed: count("tests") - failed - skipped, failed: atLeastOne(failed, status), skipped };
}

/** A run that ended badly has failed, also where no single test says so. */
function atLeastOne(failed: number, status: number): number {
  return failed === 0 && status !== 0 ? 1 : failed;
}

async function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").catch(() => undefined);
}
