import { execFile } from "node:child_process";
import { readdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { type InstalledFile, normalise, placeInFolder } from "../../src/image/packages/installed-files.ts";
import { markerEnvironment, targetOf, wheelPlatforms } from "../../src/image/packages/target.ts";
import { openWheels } from "../../src/image/packages/wheels.ts";
import { makeWheel } from "../packages/make-wheel.ts";
import { inspect } from "./support/inspect.ts";
import { testRegistry } from "./support/registry.ts";
import { buildAndPush, putBase, scene } from "./support/scene.ts";

const offline = "--no-index\n--find-links ./found\n";

function installed(files: Readonly<Record<string, string>>): InstalledFile[] {
  return Object.entries(files).map(([path, text]) => {
    const content = Buffer.from(text);
    return { path, bytes: content.length, executable: false, open: () => [content] };
  });
}

async function contents(files: readonly InstalledFile[]): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const file of files) {
    let text = "";
    for await (const chunk of file.open()) text += chunk;
    found[file.path] = text;
  }
  return found;
}

describe("what wheels hold, or an installer leaves,", () => {
  test("is brought to one form: no traces of installers and machines, lists that name what is there", async () => {
    const record =
      'tiny.py,sha256=abc,3\r\n"with,comma.py",sha256=x,1\ntiny-1.0.dist-info/INSTALLER,sha256=y,4\n../../bin/tiny,sha256=z,9\n__pycache__/tiny.pyc,,\ntiny-1.0.dist-info/RECORD,,\n';
    const files = installed({
      "tiny.py": "x=1",
      "with,comma.py": "",
      "bin/tiny": "#!/opt/anna/venv/bin/python\nimport tiny\n",
      "bin/long": "#!/bin/sh\n'''exec' '/a b/python' \"$0\" \"$@\"\n' '''\n",
      "bin/shell": "#!/bin/bash\necho\n",
      "bin/program": "\u007fELF",
      "__pycache__/tiny.cpython-311.pyc": "",
      "tiny-1.0.dist-info/INSTALLER": "pip",
      "tiny-1.0.dist-info/REQUESTED": "",
      "tiny-1.0.dist-info/direct_url.json": '{"url": "https://anna:secret@example.com"}',
      "tiny-1.0.dist-info/uv_cache.json": "{}",
      "tiny-1.0.dist-info/METADATA": "Name: tiny",
      "tiny-1.0.dist-info/RECORD": record,
      ".lock": "",
    });
    expect(await contents(await normalise(files))).toEqual({
      "bin/program": "\u007fELF",
      "bin/shell": "#!/bin/bash\necho\n",
      "tiny-1.0.dist-info/METADATA": "Name: tiny",
      "tiny-1.0.dist-info/RECORD": '"with,comma.py",sha256=x,1\ntiny.py,sha256=abc,3\ntiny-1.0.dist-info/RECORD,,\n',
      "tiny.py": "x=1",
      "with,comma.py": "",
    });
  });

  test("lies where Python looks for it, and never outside", () => {
    expect(placeInFolder("tiny/a.py")).toBe("tiny/a.py");
    expect(placeInFolder("tiny-1.0.data/purelib/tiny/a.py")).toBe("tiny/a.py");
    expect(placeInFolder("tiny-1.0.data/data/share/x")).toBe("share/x");
    expect(placeInFolder("tiny-1.0.data/scripts/run")).toBe("bin/run");
    expect(placeInFolder("tiny-1.0.data/headers/x.h")).toBeUndefined();
    expect(() => placeInFolder("../../etc/passwd")).toThrow();
    expect(() => placeInFolder("/etc/passwd")).toThrow();
  });

  test("is read from wheels of any size, stored or packed", async () => {
    await using here = await scene();
    const large = "0123456789".repeat(300_000);
    const program = `import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as wheel:
    wheel.writestr("stored.txt", "0123456789" * 300_000, zipfile.ZIP_STORED)
    wheel.writestr("packed.txt", "0123456789" * 300_000, zipfile.ZIP_DEFLATED)
    with wheel.open(zipfile.ZipInfo("wide.txt"), "w", force_zip64=True) as wide: wide.write(b"wide")
    wheel.comment = b"PK" * 50
`;
    const wheel = join(here.folder, "a.whl");
    await promisify(execFile)("python3", ["-c", program, wheel]);
    await using opened = await openWheels([wheel]);
    expect(await contents(opened.files)).toEqual({ "stored.txt": large, "packed.txt": large, "wide.txt": "wide" });
    await writeFile(join(here.folder, "b.whl"), "no archive");
    await expect(openWheels([join(here.folder, "b.whl")])).rejects.toThrow("b.whl: not a zip archive");
  });
});

describe("the cluster's machine and the image's Python", () => {
  test("decide which wheels fit, the newest first", () => {
    const debian = wheelPlatforms(targetOf("amd64", "3.11", "glibc-2.28"));
    expect(debian[0]).toBe("manylinux_2_28_x86_64");
    expect(debian).toEqual(
      expect.arrayContaining(["manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux1_x86_64", "linux_x86_64"]),
    );
    expect(debian).not.toContain("manylinux_2_31_x86_64");
    expect(wheelPlatforms(targetOf("arm64", "3.12", "glibc-2.36")).at(-3)).toBe("manylinux_2_17_aarch64");
    expect(wheelPlatforms(targetOf("amd64", "3.12", "musl-1.2"))).toEqual([
      "musllinux_1_2_x86_64",
      "musllinux_1_1_x86_64",
      "musllinux_1_0_x86_64",
      "linux_x86_64",
    ]);
    expect(() => targetOf("s390x", "3.12", "glibc-2.36")).toThrow(/s390x are not supported/);
  });

  test("are what markers see, not this machine and its Python", () => {
    expect(markerEnvironment(targetOf("arm64", "3.12.4", "glibc-2.36"))).toMatchObject({
      sys_platform: "linux",
      platform_system: "Linux",
      platform_machine: "aarch64",
      python_version: "3.12",
      python_full_version: "3.12.4",
    });
  });
});

describe("packages for another machine", { timeout: 180_000 }, () => {
  /** Builds for arm64 and Python 3.12, which no test runs on. */
  async function build(
    requirements: string,
    wheels: (folder: string) => Promise<unknown>,
    more: Record<string, string> = {},
  ) {
    await using registry = await testRegistry();
    await using here = await scene({ "requirements.txt": requirements, ...more });
    await wheels(join(here.projectDir, "found"));
    await putBase(registry, "base", "1", { architecture: "arm64", python: "3.12" });
    const image = { baseImage: `${registry.host}/base:1`, repository: `${registry.host}/iris`, architecture: "arm64" };
    const built = await buildAndPush(here.builder(), await here.input(image));
    const { layers } = await inspect(registry, built.image.reference);
    return [...layers[1]!.keys()]
      .map((path) => path.replace("cortex/packages/", ""))
      .filter((path) => path.endsWith(".py"));
  }

  test("are chosen by its tags and markers, those that other packages carry too; wheels of the project are installed", async () => {
    const files = await build(
      `${offline}top[more]\nwindows; sys_platform == "win32"\nold; python_version < "3.12"\n./own/own-1.0-py3-none-any.whl\nnative\n`,
      async (folder) => {
        await makeWheel(folder, "top", "1.0", undefined, [
          'forarm; platform_machine == "aarch64"',
          'forintel; platform_machine == "x86_64"',
          'formac; platform_system == "Darwin"',
          'extra; extra == "more" and python_version == "3.12"\nProvides-Extra: more',
        ]);
        for (const name of ["forarm", "extra", "native"]) await makeWheel(folder, name, "1.0");
        await makeWheel(folder, "native", "2.0");
        await rename(
          join(folder, "native-2.0-py3-none-any.whl"),
          join(folder, "native-2.0-cp312-cp312-manylinux_2_99_aarch64.whl"),
        );
        await makeWheel(folder, "native", "1.5");
        await rename(
          join(folder, "native-1.5-py3-none-any.whl"),
          join(folder, "native-1.5-cp310-abi3-manylinux_2_28_aarch64.whl"),
        );
        await makeWheel(join(folder, "../own"), "own", "1.0");
      },
    );
    expect(files).toEqual(["extra.py", "forarm.py", "native.py", "own.py", "top.py"]);
  });

  test("that exist as source alone, or for other machines alone, are named with the way out", async () => {
    const building = build(`${offline}\nsourceonly\n`, async (folder) => {
      await makeWheel(folder, "other", "1.0");
      await writeFile(join(folder, "sourceonly-1.0.tar.gz"), "");
    });
    await expect(building).rejects.toMatchObject({
      code: "PACKAGES_FAILED",
      message: "sourceonly has no wheel for Python 3.12 on linux/arm64, and nothing is built here",
      hint: expect.stringContaining("./NAME.whl"),
      at: { file: "requirements.txt", line: 4 },
    });
  });

  test("that nobody has are named as such, and no password of an index is shown", async () => {
    const failure = await build("--find-links ./found\nnobodyhasit\n", (folder) => makeWheel(folder, "other", "1.0"), {
      ".env": "PIP_NO_INDEX=1\nPIP_EXTRA_INDEX_URL=http://anna:hunter2@127.0.0.1:9/simple\n",
    }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "PACKAGES_FAILED", message: "there is no package nobodyhasit" });
    expect(JSON.stringify(failure)).not.toContain("hunter2");
  });

  test("that do not get on with the runtime are refused", async () => {
    const building = build(`${offline}uvicorn\n`, (folder) => makeWheel(folder, "uvicorn", "0.5"));
    await expect(building).rejects.toMatchObject({
      code: "PACKAGES_FAILED",
      message: expect.stringContaining("uvicorn 0.5 does not get on with Cortex"),
    });
  });
});

test("an installation that is aborted leaves nothing behind", { timeout: 120_000 }, async () => {
  await using registry = await testRegistry();
  await using here = await scene({ "requirements.txt": `${offline}tiny\n` });
  await putBase(registry, "base", "1");
  const controller = new AbortController();
  const input = await here.input({ baseImage: `${registry.host}/base:1`, repository: `${registry.host}/iris` });
  const building = here
    .builder()
    .build(
      input,
      (event) => event.type === "step" && event.step === "installing packages" && controller.abort(new Error("enough")),
      controller.signal,
    );
  await expect(building).rejects.toThrow("enough");

  expect(await readdir(join(here.folder, "home/images/work")).catch(() => [])).toEqual([]);
});
