import { chmod, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { findOnPath, findPython } from "../../src/packages/find-python.ts";

const noAbort = new AbortController().signal;
const oldPython = '#!/bin/sh\necho \'{"version": "3.6.9", "major": 3, "minor": 6}\'\n';
const broken = "#!/bin/sh\nexit 1\n";

interface Bin extends AsyncDisposable {
  readonly folder: string;
  readonly variables: Record<string, string>;
}

/** A PATH of one folder that holds these programs. */
async function bin(programs: Readonly<Record<string, string>>): Promise<Bin> {
  const folder = await mkdtemp(join(tmpdir(), "cortex-test-"));
  for (const [name, text] of Object.entries(programs)) {
    await writeFile(join(folder, name), text);
    await chmod(join(folder, name), 0o755);
  }
  return {
    folder,
    variables: { PATH: folder },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

async function realPython(): Promise<string> {
  return (await findPython(process.env, noAbort)).executable;
}

describe("finding Python", () => {
  test("says in one line that there is none", async () => {
    await using here = await bin({});
    await expect(findPython(here.variables, noAbort)).rejects.toMatchObject({
      code: "PYTHON_UNUSABLE",
      message: "Python 3.9 or later is needed, and there is no Python on the PATH",
      hint: expect.stringContaining("CORTEX_PYTHON"),
    });
  });

  test("says which one is too old", async () => {
    await using here = await bin({ python3: oldPython });
    await expect(findPython(here.variables, noAbort)).rejects.toMatchObject({
      message: `Python 3.9 or later is needed, but ${join(here.folder, "python3")} is Python 3.6.9`,
    });
  });

  test("goes on to the next name when one is too old or does not run", async () => {
    await using here = await bin({ python3: oldPython, python: broken });
    await symlink(await realPython(), join(here.folder, "python3.14"));
    const python = await findPython(here.variables, noAbort);
    expect(python.path).toBe(join(here.folder, "python3.14"));
    expect(python.executable).toBe(await realPython());
  });

  test("takes the one that CORTEX_PYTHON names, or says why not", async () => {
    await using here = await bin({ mine: oldPython });
    const variables = { ...here.variables, CORTEX_PYTHON: await realPython() };
    expect((await findPython(variables, noAbort)).minor).toBeGreaterThanOrEqual(9);
    await expect(findPython({ ...variables, CORTEX_PYTHON: "mine" }, noAbort)).rejects.toMatchObject({
      message: expect.stringContaining("CORTEX_PYTHON cannot be used"),
    });
    await expect(findPython({ ...variables, CORTEX_PYTHON: "/nowhere/python" }, noAbort)).rejects.toMatchObject({
      message: expect.stringContaining("there is no such file"),
    });
  });

  test("looks behind a virtual environment", async () => {
    await using here = await bin({});
    const real = await realPython();
    await mkdir(join(here.folder, "venv", "bin"), { recursive: true });
    await symlink(real, join(here.folder, "venv", "bin", "python3"));
    await writeFile(join(here.folder, "venv", "pyvenv.cfg"), `home = ${join(real, "..")}\n`);
    const python = await findPython({ PATH: join(here.folder, "venv", "bin") }, noAbort);
    expect(python.executable).toBe(real);
  });

  test("asks each interpreter once, until it changes", async () => {
    await using here = await bin({});
    const real = await realPython();
    const counting = (comment: string) =>
      `#!/bin/sh\n# ${comment}\necho asked >> "${here.folder}/asked"\nexec "${real}" "$@"\n`;
    await writeFile(join(here.folder, "python3"), counting("first"), { mode: 0o755 });
    const cache = join(here.folder, "cache.json");
    const variables = { PATH: `${here.folder}:/usr/bin:/bin` };
    const first = await findPython(variables, noAbort, cache);
    expect(await findPython(variables, noAbort, cache)).toEqual(first);
    expect(await readFile(join(here.folder, "asked"), "utf8")).toBe("asked\n");
    await writeFile(join(here.folder, "python3"), counting("another one"));
    await findPython(variables, noAbort, cache);
    expect(await readFile(join(here.folder, "asked"), "utf8")).toBe("asked\nasked\n");
    await writeFile(cache, "truncat");
    expect(await findPython(variables, noAbort, cache)).toEqual(first);
  });

  test("ends when it is told to", async () => {
    await using here = await bin({ python3: "#!/bin/sh\nsleep 60\n" });
    const variables = { PATH: `${here.folder}:/usr/bin:/bin` };
    await expect(findPython(variables, AbortSignal.timeout(100))).rejects.toMatchObject({ name: "TimeoutError" });
  });
});

test("a program is looked for in absolute folders of the PATH, and must be executable", async () => {
  await using here = await bin({ tool: broken, text: "" });
  expect(await findOnPath("tool", { PATH: `.:${here.folder}` })).toBe(join(here.folder, "tool"));
  expect(await findOnPath("text", here.variables)).toBeUndefined();
  expect(await findOnPath("tool", { PATH: "" })).toBeUndefined();
});
