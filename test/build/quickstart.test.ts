import { execFile } from "node:child_process";
import { chmod } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../project/folder.ts";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");

/** Starts a script on a machine whose only program is the given python3, if any. */
async function startWith(script: string, python: string | undefined) {
  await using folder = await temporaryFolder(python === undefined ? {} : { python3: `#!/bin/sh\n${python}\n` });
  if (python !== undefined) await chmod(join(folder.path, "python3"), 0o755);
  const started = run(process.execPath, [join(root, script)], { env: { PATH: folder.path } });
  return await started.catch((error: { code: number; stdout: string; stderr: string }) => error);
}

describe.skipIf(process.platform === "win32")(
  "a machine that cannot serve handlers is told so at once, in one line",
  () => {
    test.each(["scripts/quickstart.mjs", "scripts/test.ts"])("%s: no python3", async (script) => {
      expect(await startWith(script, undefined)).toMatchObject({
        code: 1,
        stdout: "",
        stderr: expect.stringMatching(/^error: Python 3\.9 or newer is needed, but python3 cannot be run: .*\n$/),
      });
    });

    test.each(["scripts/quickstart.mjs", "scripts/test.ts"])("%s: too old a python3", async (script) => {
      expect(await startWith(script, "echo 3.7")).toMatchObject({
        code: 1,
        stdout: "",
        stderr: expect.stringMatching(/^error: Python 3\.9 or newer is needed, but python3 is Python 3\.7: .*\n$/),
      });
    });
  },
);
