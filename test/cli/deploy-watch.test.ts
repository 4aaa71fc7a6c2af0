import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CortexError } from "../../src/core/errors.ts";
import { FakeEnvironment } from "./support/fake-environment.ts";
import { filesWith, type RunOptions, runCommand } from "./support/run-command.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cortex-watch-"));
  await writeFile(join(folder, "cortex.yaml"), "");
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs `deploy --watch`; each time `when` appears anew on stdout or stderr the next step is taken, after the last the run ends. */
async function watchWhile(steps: readonly (readonly [when: string, step: () => Promise<void>])[], options: RunOptions) {
  let taken = 0;
  let from = 0;
  return runCommand(["deploy", "--watch"], {
    workingFolder: folder,
    ...options,
    onWrite: ({ both: all }, interrupt) => {
      if (taken >= steps.length) return;
      const [when, step] = steps[taken]!;
      if (!all.slice(from).includes(when)) return;
      from = all.length;
      taken += 1;
      // Not at once: the watch begins when the first deploy does.
      setTimeout(() => void step().then(() => taken === steps.length && interrupt()), 300);
    },
  });
}

const nothing = async () => {};

test("a saved file deploys again, and Ctrl-C leaves what is deployed", async () => {
  const environment = new FakeEnvironment();
  const save = () => writeFile(join(folder, "handler.py"), "changed");
  const ran = await watchWhile(
    [
      ["(see how it does)", save],
      ["(see how it does)", nothing],
    ],
    { environment },
  );
  expect(environment.calls).toMatchObject([{ rollOut: "iris", force: false }, { rollOut: "iris" }]);
  expect(ran).toMatchObject({ status: 130 });
  expect(ran.stderr).toContain("error: interrupted; what is deployed stays deployed");
});

test("an error is shown, and the next save tried", async () => {
  const environment = new FakeEnvironment();
  let isBroken = true;
  const files = filesWith({
    read: async () => {
      if (isBroken) throw new CortexError("PROJECT_INVALID", "too bad");
      return { root: folder, digest: "d".repeat(64), files: [], totalBytes: 0 };
    },
  });
  const mend = async () => {
    isBroken = false;
    await writeFile(join(folder, "handler.py"), "mended");
  };
  const ran = await watchWhile(
    [
      ["error: too bad", mend],
      ["iris is live", nothing],
    ],
    { environment, files },
  );
  expect(ran.stdout).toContain("iris is live");
});

test("a save during a rollout takes it over", async () => {
  const environment = new FakeEnvironment({ rollout: [{ type: "accepted", change: "created", revision: 1 }, "hang"] });
  const save = () => writeFile(join(folder, "handler.py"), "changed");
  await watchWhile(
    [
      ["creating iris", save],
      ["creating iris", nothing],
    ],
    { environment },
  );
  expect(environment.calls).toMatchObject([{ force: false }, { force: true }]);
});

test("hidden files and what Python leaves beside its sources deploy nothing", async () => {
  const environment = new FakeEnvironment();
  const saveNoise = async () => {
    await mkdir(join(folder, "__pycache__"));
    await writeFile(join(folder, "__pycache__", "handler.pyc"), "x");
    await writeFile(join(folder, ".handler.py.swp"), "x");
    await new Promise((resolve) => setTimeout(resolve, 600));
  };
  await watchWhile([["(see how it does)", saveNoise]], { environment });
  expect(environment.calls).toHaveLength(1);
});
