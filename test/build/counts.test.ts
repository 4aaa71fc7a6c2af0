import { join } from "node:path";
import { expect, test } from "vitest";
import { countCheck, countJunit, countVitest } from "../../scripts/test/counts.ts";
import type { Part } from "../../scripts/test/parts.ts";
import { summaryLines } from "../../scripts/test/summary.ts";
import { temporaryFolder } from "../project/folder.ts";

test("a check is one test", () => {
  expect([countCheck(0), countCheck(2)]).toEqual([
    { passed: 1, failed: 0, skipped: 0 },
    { passed: 0, failed: 1, skipped: 0 },
  ]);
});

test("vitest's report is summed, with files that could not be loaded as failures", async () => {
  const report = {
    numPassedTests: 5,
    numFailedTests: 1,
    numPendingTests: 2,
    numTodoTests: 0,
    testResults: [
      { name: "broken.test.ts", status: "failed", message: "no such module", assertionResults: [] },
      {
        name: "adds.test.ts",
        status: "failed",
        message: "",
        assertionResults: [{ fullName: "adds", status: "failed", failureMessages: ["2 is not 3\n    at line 4"] }],
      },
      { name: "fine.test.ts", status: "passed", message: "", assertionResults: [{ status: "passed" }] },
    ],
  };
  await using folder = await temporaryFolder({ "report.json": JSON.stringify(report) });
  expect(await countVitest(join(folder.path, "report.json"), 1)).toEqual({
    passed: 5,
    failed: 2,
    skipped: 2,
    failures: ["adds: 2 is not 3", "broken.test.ts: no such module"],
  });
});

test("pytest's report is summed", async () => {
  const xml =
    '<?xml version="1.0"?><testsuites><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10">' +
    '<testcase classname="test.sums" name="test_adds" time="0.1"><failure message="2 is not 3">at line 4</failure></testcase>';
  await using folder = await temporaryFolder({ "report.xml": xml });
  expect(await countJunit(join(folder.path, "report.xml"), 1)).toEqual({
    passed: 4,
    failed: 3,
    skipped: 3,
    failures: ["test.sums test_adds: 2 is not 3"],
  });
});

test("a run that left no report, or ended badly though no test failed, counts as a failure", async () => {
  await using folder = await temporaryFolder({
    "report.xml": '<testsuite tests="2" failures="0" errors="0" skipped="0">',
  });
  expect((await countVitest(join(folder.path, "none"), 0)).failed).toBe(1);
  expect((await countJunit(join(folder.path, "none"), 3)).failed).toBe(1);
  expect(await countJunit(join(folder.path, "report.xml"), 1)).toMatchObject({ passed: 2, failed: 1, skipped: 0 });
});

test("the summary names what failed, and its last line is the sum alone", () => {
  const part = (name: string): Part => ({ name, group: "tests", what: "", command: () => ["x"], count: countVitest });
  const lines = summaryLines([
    { part: part("unit"), status: 0, counts: { passed: 10, failed: 0, skipped: 1 }, tookMs: 1_500 },
    {
      part: part("python"),
      status: 1,
      counts: { passed: 3, failed: 2, skipped: 0, failures: ["adds: 2 is not 3"] },
      tookMs: 90_000,
    },
  ]);
  expect(lines.slice(1, 3)).toEqual([
    "ok      unit    10 passed  0 failed  1 skipped  1.5 s",
    "FAILED  python  3 passed   2 failed  0 skipped  90.0 s",
  ]);
  expect(lines).toContain("  python: adds: 2 is not 3");
  expect(lines.at(-1)).toBe("13 passed, 2 failed");
});
