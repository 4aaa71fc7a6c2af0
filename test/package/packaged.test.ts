import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { checkMacosSignature } from "../../scripts/package/sign-macos.ts";
import { findAuthenticode, fixPeChecksum } from "../../scripts/package/strip-authenticode.ts";
import { packagedFor } from "../e2e/support/program.ts";

/** A Python that has the package `lief`: CORTEX_TEST_LIEF_PYTHON, else the machine's. */
const python = process.env.CORTEX_TEST_LIEF_PYTHON || "python3";
const hasLief = spawnSync(python, ["-c", "import lief"]).status === 0;
const withoutLief = hasLief ? "" : " (needs a Python with lief from PyPI: CORTEX_TEST_LIEF_PYTHON)";

const checkLayout = `import lief, sys
binary = lief.parse(sys.argv[1])
binary = binary.at(0) if isinstance(binary, lief.MachO.FatBinary) else binary
print(lief.MachO.check_layout(binary))`;

describe.each(["darwin-x64", "darwin-arm64"])("the program for %s", (target) => {
  const file = packagedFor(target);
  const missing = existsSync(file) ? "" : ` (there is none: npm run package -- --target ${target})`;

  test.skipIf(missing)(`has the right hash for each of its pages${missing}`, async () => {
    expect(checkMacosSignature(await readFile(file))).toEqual([]);
  });

  test.skipIf(missing || withoutLief)(
    `is laid out as LIEF expects${missing || withoutLief}`,
    { timeout: 120_000 },
    () => {
      const { stdout } = spawnSync(python, ["-c", checkLayout, file], { encoding: "utf8" });
      expect(stdout).toBe("(True, '')\n");
    },
  );
});

describe("the program for win-x64", () => {
  const file = packagedFor("win-x64", ".exe");
  const missing = existsSync(file) ? "" : " (there is none: npm run package -- --target win-x64)";

  test.skipIf(missing)(`has no stale signature, and the right checksum${missing}`, async () => {
    const program = await readFile(file);
    if (!process.env.CORTEX_SIGN_WINDOWS) expect(findAuthenticode(program)).toBeUndefined();
    expect(fixPeChecksum(program).equals(program)).toBe(true);
  });
});
