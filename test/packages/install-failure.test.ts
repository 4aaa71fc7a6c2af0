import { expect, test } from "vitest";
import { explainInstallFailure } from "../../src/packages/install-failure.ts";
import type { Requirements } from "../../src/packages/requirements.ts";
import { withoutCredentials } from "../../src/packages/run-tool.ts";

const requirements: Requirements = {
  file: "requirements.txt",
  localPaths: [],
  lines: [
    { file: "requirements.txt", line: 1, text: "numpy" },
    { file: "more.txt", line: 7, text: "Some_Thing==1.5" },
  ],
};

const explain = (output: string) => explainInstallFailure(output.split("\n"), requirements, "3.9.1");

test.each<[string, string, string, string]>([
  [
    "a package that pip does not know",
    "ERROR: Could not find a version that satisfies the requirement some-thing==1.5 (from versions: none)\nERROR: No matching distribution found for some-thing==1.5",
    "PACKAGES_FAILED",
    "there is no package some-thing",
  ],
  [
    "a version that pip does not know",
    "ERROR: Could not find a version that satisfies the requirement some-thing==1.5 (from versions: 1.0, 1.1)\nERROR: No matching distribution found for some-thing==1.5",
    "PACKAGES_FAILED",
    "there is no some-thing==1.5",
  ],
  [
    "a package for newer Pythons only",
    "ERROR: Ignored the following versions that require a different python version: 1.5 Requires-Python >=3.12\nERROR: Could not find a version that satisfies the requirement some-thing==1.5 (from versions: none)\nERROR: No matching distribution found for some-thing==1.5",
    "PACKAGES_FAILED",
    "some-thing==1.5 needs Python >=3.12, this is 3.9.1",
  ],
  [
    "a version for newer Pythons only",
    "ERROR: Ignored the following versions that require a different python version: 1.4 Requires-Python >=3.10; 1.5 Requires-Python >=3.12\nERROR: Could not find a version that satisfies the requirement some-thing==1.5 (from versions: 1.0, 1.1)\nERROR: No matching distribution found for some-thing==1.5",
    "PACKAGES_FAILED",
    "some-thing==1.5 needs Python >=3.12, this is 3.9.1",
  ],
  [
    "no network",
    "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError(...)': /simple/numpy/\nERROR: Could not find a version that satisfies the requirement numpy (from versions: none)\nERROR: No matching distribution found for numpy",
    "PACKAGES_FAILED",
    "packages could not be fetched: their index cannot be reached",
  ],
  [
    "a build that fails before it begins",
    "  error: subprocess-exited-with-error\nERROR: Failed to build 'some-thing' when getting requirements to build wheel",
    "PACKAGES_FAILED",
    "some-thing has no wheel for this machine, and building it failed",
  ],
  [
    "a failed build",
    "  error: subprocess-exited-with-error\n  gcc failed\nERROR: Failed building wheel for some-thing",
    "PACKAGES_FAILED",
    "some-thing has no wheel for this machine, and building it failed",
  ],
  [
    "a full disk",
    "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
    "DISK_FULL",
    "no space left on the disk while packages were installed",
  ],
  [
    "a contradiction",
    "ERROR: ResolutionImpossible: for help visit https://pip.pypa.io",
    "PACKAGES_FAILED",
    "the requirements contradict each other",
  ],
  [
    "a line that is none",
    "ERROR: Invalid requirement: 'num py': Expected end or semicolon",
    "PACKAGES_FAILED",
    "num py is no requirement",
  ],
  [
    "a package that uv does not know",
    "  × No solution found when resolving dependencies:\n  ╰─▶ Because some-thing was not found in the package registry and you require some-thing==1.5",
    "PACKAGES_FAILED",
    "there is no package some-thing",
  ],
  [
    "a version that uv does not know",
    "  ╰─▶ Because there is no version of some-thing==1.5 and you require it",
    "PACKAGES_FAILED",
    "there is no some-thing==1.5",
  ],
  ["anything else", "ERROR: the moon is full", "PACKAGES_FAILED", "requirements.txt could not be installed"],
])("%s", (_, output, code, message) => {
  const error = explain(output);
  expect([error.code, error.message]).toEqual([code, message]);
  expect(error.hint).toBeTruthy();
  expect(error.details).toBe(output);
  if (output.includes("some-thing")) expect(error.at).toMatchObject({ file: "more.txt", line: 7 });
});

test("credentials of an index are hidden", () => {
  expect(withoutCredentials("Looking in indexes: https://me:s3cret@host/simple, https://other/")).toBe(
    "Looking in indexes: https://****@host/simple, https://other/",
  );
});
