import { execFile } from "node:child_process";
import { lstat, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test, vi } from "vitest";
import {
  type PackagesRequest,
  type PythonEnvironment,
  preparePackages,
  removeUnusedPackages,
} from "../../../../src/environments/local/packages/prepare-packages.ts";
import { isAlive } from "../../../../src/platform/processes.ts";
import { makeWheel } from "../../../packages/make-wheel.ts";
import { place } from "./place.ts";

const noAbort = new AbortController().signal;
const offline = "--no-index\n--find-links ./found\n";

async function prepare(request: PackagesRequest, progress: string[] = []): Promise<PythonEnvironment> {
  return preparePackages(request, (line) => progress.push(line), noAbort);
}

async function python({ python, wheelsDir }: PythonEnvironment, program: string): Promise<string> {
  const { stdout } = await promisify(execFile)(python, ["-c", program, wheelsDir]);
  return stdout.trim();
}

describe("a project without requirements", () => {
  test("gets an environment of its own interpreter, and the runtime's packages", async () => {
    await using here = await place();
    const environment = await prepare(here.request);
    const said = await python(
      environment,
      "import sys; sys.path.append(sys.argv[1]); import carried, ssl; print(sys.prefix != sys.base_prefix, carried.version)",
    );
    expect(said).toBe("True 1.0");
    expect(await python(environment, "import sys; print(sys.prefix)")).toBe(
      join(here.request.home, "packages", environment.key),
    );
  });

  test("gets the same again at once, and another for another interpreter", async () => {
    await using here = await place();
    const first = await prepare(here.request);
    const made = await lstat(first.python);
    expect(await prepare(here.request)).toEqual(first);
    expect((await lstat(first.python)).ino).toBe(made.ino);
    const other = { ...here.request, variables: { ...here.request.variables, CORTEX_PYTHON: "/usr/bin/python3" } };
    const second = await prepare(other);
    expect(await python(second, "import sys; print(sys.base_prefix)")).toBe("/usr");
  });

  test("does not see packages of the system", async () => {
    await using here = await place();
    const environment = await prepare(here.request);
    expect(await python(environment, "import importlib.util as u; print(u.find_spec('pip'))")).toBe("None");
  });

  test("is made anew when its making was cut short", async () => {
    await using here = await place();
    const { key, python: interpreter } = await prepare(here.request);
    const folder = join(here.request.home, "packages", key);
    await rm(join(folder, "complete.json"));
    await rm(interpreter);
    await prepare(here.request);
    expect((await stat(interpreter)).isFile()).toBe(true);
  });
});

describe.concurrent("requirements", { timeout: 300_000 }, () => {
  test("are installed, in the project's folder, with the project's variables", async () => {
    await using here = await place({
      "requirements.txt": `${offline}-r more/base.txt\n`,
      "more/base.txt": "tiny==1.0 # pinned\n",
      ".env": "PIP_NO_COLOR=1\n",
    });
    await makeWheel(join(here.request.projectDir, "found"), "tiny", "1.0");
    const progress: string[] = [];
    const environment = await prepare(here.request, progress);
    expect(await python(environment, "import tiny; print(tiny.version)")).toBe("1.0");
    expect(progress[0]).toMatch(/^installing requirements.txt with (pip|uv)$/);
    expect(progress.join("\n")).toContain("tiny");
    const again: string[] = [];
    expect((await prepare(here.request, again)).key).toBe(environment.key);
    expect(again).toEqual([]);
  });

  test("that change make another environment; a comment does not", async () => {
    await using here = await place({ "requirements.txt": `${offline}tiny\n` });
    await makeWheel(join(here.request.projectDir, "found"), "tiny", "1.0");
    const first = await prepare(here.request);
    await here.write({ "requirements.txt": `# what we need\n${offline}tiny\n` });
    expect((await prepare(here.request)).key).toBe(first.key);
    await here.write({ "requirements.txt": `${offline}tiny>=1\n` });
    expect((await prepare(here.request)).key).not.toBe(first.key);
  });

  test("that two deploys ask for at once are installed once", async () => {
    await using here = await place({ "requirements.txt": `${offline}tiny\n` });
    await makeWheel(join(here.request.projectDir, "found"), "tiny", "1.0");
    const progress: string[] = [];
    const [one, two] = await Promise.all([prepare(here.request, progress), prepare(here.request, progress)]);
    expect(one).toEqual(two);
    expect(progress.filter((line) => line.startsWith("installing"))).toHaveLength(1);
  });

  test("may name a wheel of the project, whose content counts", async () => {
    await using here = await place({
      "requirements.txt": `${offline}./plain-1.0-py3-none-any.whl\n`,
    });
    await makeWheel(here.request.projectDir, "plain", "1.0");
    const first = await prepare(here.request);
    expect(await python(first, "import plain; print(plain.version)")).toBe("1.0");
    await makeWheel(here.request.projectDir, "plain", "1.0", { "plain.py": "version = 'changed'\n" });
    expect(await python(await prepare(here.request), "import plain; print(plain.version)")).toBe("changed");
  });

  test("that do not exist are named with their line, and nothing is left", async () => {
    await using here = await place({ "requirements.txt": `${offline}\nno-such-package-at-all==9\n` });
    await mkdir(join(here.request.projectDir, "found"));
    await expect(prepare(here.request)).rejects.toMatchObject({
      code: "PACKAGES_FAILED",
      message: "there is no package no-such-package-at-all",
      at: { file: "requirements.txt", line: 4, text: "no-such-package-at-all==9" },
      details: expect.stringContaining("No matching distribution found"),
    });
    const left = await readdir(join(here.request.home, "packages"));
    expect(left.filter((name) => /^[0-9a-f]{32}$/.test(name))).toEqual([]);
  });

  test("of a version that does not exist say which there are", async () => {
    await using here = await place({ "requirements.txt": `${offline}tiny==7\n` });
    await makeWheel(join(here.request.projectDir, "found"), "tiny", "1.0");
    await expect(prepare(here.request)).rejects.toMatchObject({
      message: "there is no tiny==7",
      hint: "there are 1.0",
    });
  });

  test.each(["0.1", "9.0"])("that hold a version that the runtime cannot use (%s) are refused", async (version) => {
    await using here = await place({ "requirements.txt": `${offline}starlette\n` });
    await makeWheel(join(here.request.projectDir, "found"), "starlette", version);
    await expect(prepare(here.request)).rejects.toMatchObject({
      code: "PACKAGES_FAILED",
      message: expect.stringContaining(`starlette ${version}`),
      at: { line: 3 },
    });
  });

  test("that lead out of the project are refused", async () => {
    await using here = await place({ "requirements.txt": "-r ../base.txt\n" });
    await expect(prepare(here.request)).rejects.toMatchObject({ code: "PROJECT_INVALID", at: { line: 1 } });
  });

  test("under a name that is not there are refused, the usual name may be missing", async () => {
    const dependencies = { pip: "reqs.txt", conda: "conda-packages.txt", shell: "dependencies.sh" };
    await using here = await place({}, { dependencies });
    await expect(prepare(here.request)).rejects.toMatchObject({ code: "FILE_NOT_FOUND" });
  });

  test("of conda are refused with the way out", async () => {
    await using here = await place({ "conda-packages.txt": "conda-forge::rdkit\n" });
    await expect(prepare(here.request)).rejects.toMatchObject({
      code: "NOT_SUPPORTED",
      hint: expect.stringContaining("requirements.txt"),
    });
  });
});

describe("dependencies.sh", () => {
  test("runs before the requirements, with env and .env, and a pip of the environment", async () => {
    await using here = await place(
      {
        "dependencies.sh":
          'pip install --quiet --no-index --find-links found tiny\necho "$FROM_SPEC $FROM_FILE" > seen.txt\n',
        "requirements.txt": `${offline}late\n`,
        ".env": "FROM_FILE=two\n",
      },
      { env: { FROM_SPEC: "one" } },
    );
    await makeWheel(join(here.request.projectDir, "found"), "tiny", "1.0");
    await makeWheel(join(here.request.projectDir, "found"), "late", "2.0");
    const environment = await prepare(here.request);
    expect(await readFile(join(here.request.projectDir, "seen.txt"), "utf8")).toBe("one two\n");
    expect(await python(environment, "import tiny, late; print(tiny.version, late.version)")).toBe("1.0 2.0");
  });

  test("that fails stops the deploy with what it said", async () => {
    await using here = await place({ "dependencies.sh": "echo no luck at https://me:secret@host/ >&2\nexit 4\n" });
    await expect(prepare(here.request)).rejects.toMatchObject({
      code: "PACKAGES_FAILED",
      message: "dependencies.sh failed",
      details: "no luck at https://****@host/",
    });
  });

  test("that is aborted leaves no process", async () => {
    await using here = await place({ "dependencies.sh": "sleep 600 &\necho $!\nwait\n" });
    const progress: string[] = [];
    const stop = new AbortController();
    const preparing = preparePackages(here.request, (line) => progress.push(line), stop.signal);
    preparing.catch(() => {});
    const pid = await vi.waitFor(
      () => {
        expect(progress).toHaveLength(2);
        return Number(progress[1]);
      },
      { timeout: 60_000 },
    );
    stop.abort();
    await expect(preparing).rejects.toMatchObject({ name: "AbortError" });
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 60_000 });
  });
});

describe("environments that nobody uses", () => {
  test("are removed once nobody asked for them for long", async () => {
    await using here = await place();
    const used = await prepare(here.request);
    await here.write({ "dependencies.sh": "true\n" });
    const unused = await prepare(here.request);
    const folder = join(here.request.home, "packages");
    await removeUnusedPackages(here.request.home, new Set([used.key]));
    expect(await readdir(folder)).toContain(unused.key);
    const longAgo = new Date(Date.now() - 30 * 24 * 3600_000);
    for (const { key } of [used, unused]) await utimes(join(folder, key, "complete.json"), longAgo, longAgo);
    await removeUnusedPackages(here.request.home, new Set([used.key]));
    const left = await readdir(folder);
    expect(left).toContain(used.key);
    expect(left.filter((name) => name.startsWith(unused.key))).toEqual([]);
  });
});

describe("the runtime's packages", () => {
  test("are taken again when their unpacking was cut short, and refused when damaged", async () => {
    await using here = await place();
    const { wheelsDir } = await prepare(here.request);
    await rm(wheelsDir, { recursive: true });
    await writeFile(join(here.request.runtime.wheelsFolder, "carried-1.0-py3-none-any.whl"), "damaged");
    await expect(prepare(here.request)).rejects.toThrow("is damaged");
    expect((await readdir(join(here.request.home, "runtime"))).filter((name) => !name.endsWith(".lock"))).toEqual([]);
  });
});
