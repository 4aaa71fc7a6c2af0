import { readFile } from "node:fs/promises";

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Names of what failed, each with the first line of why; empty where the report tells none. */
  readonly failures?: readonly string[];
}

export function countCheck(status: number): Counts {
  return status === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

interface TestFile {
  readonly name: string;
  readonly status: string;
  readonly message: string;
  readonly assertionResults: readonly {
    readonly fullName: string;
    readonly status: string;
    readonly failureMessages: readonly string[];
  }[];
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
    testResults: readonly TestFile[];
  };
  const unloaded = testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0);
  const failed = numFailedTests + unloaded.length;
  const failures = [
    ...testResults.flatMap(({ assertionResults }) => assertionResults.filter((test) => test.status === "failed")),
    ...unloaded.map(({ name, message }) => ({ fullName: name, failureMessages: [message] })),
  ].map(({ fullName, failureMessages }) => `${fullName}: ${firstLine(failureMessages[0])}`);
  return {
    passed: numPassedTests,
    failed: atLeastOne(failed, status),
    skipped: numPendingTests + numTodoTests,
    failures,
  };
}

/** Reads the JUnit report that pytest writes. */
export async function countJunit(report: string, status: number): Promise<Counts> {
  const text = await readIfThere(report);
  const suite = text?.match(/<testsuite\b[^>]*>/)?.[0];
  if (!suite) return countCheck(status === 0 ? 1 : status);
  const count = (name: string) => Number(suite.match(new RegExp(`\\b${name}="(\\d+)"`))?.[1] ?? 0);
  const failed = count("failures") + count("errors");
  const skipped = count("skipped");
  const cases = text?.matchAll(
    /<testcase classname="([^"]*)" name="([^"]*)"[^>]*><(?:failure|error) message="([^"]*)"/g,
  );
  const failures = [...(cases ?? [])].map(([, file, name, why]) => `${file} ${name}: ${firstLine(why)}`);
  return { passed: count("tests") - failed - skipped, failed: atLeastOne(failed, status), skipped, failures };
}

/** A run that ended badly has failed, also where no single test says so. */
function atLeastOne(failed: number, status: number): number {
  return failed === 0 && status !== 0 ? 1 : failed;
}

function firstLine(text = ""): string {
  return text.split("\n")[0]!.slice(0, 300);
}

async function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").catch(() => undefined);
}
