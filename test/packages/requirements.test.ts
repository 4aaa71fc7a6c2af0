import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { type Requirements, readRequirements } from "../../src/packages/requirements.ts";

async function read(files: Readonly<Record<string, string | Uint8Array>>): Promise<Requirements | undefined> {
  const folder = await mkdtemp(join(tmpdir(), "cortex-test-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    return await readRequirements(folder, "requirements.txt");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("lines keep their file and number, without comments and with their continuations", async () => {
  const found = await read({
    "requirements.txt": "# all\nnumpy==2.0 # pinned\n\npandas \\\n  --hash=sha256:00\n-r deep/more.txt\n",
    "deep/more.txt": "-c ../limits.txt\nscipy\n",
    "limits.txt": "scipy<2\n",
  });
  expect(found?.lines).toEqual([
    { file: "requirements.txt", line: 2, text: "numpy==2.0" },
    { file: "requirements.txt", line: 4, text: "pandas   --hash=sha256:00" },
    { file: "requirements.txt", line: 6, text: "-r deep/more.txt" },
    { file: "deep/more.txt", line: 1, text: "-c ../limits.txt" },
    { file: "limits.txt", line: 1, text: "scipy<2" },
    { file: "deep/more.txt", line: 2, text: "scipy" },
  ]);
});

test("a file that is not there, is empty or only comments asks for nothing", async () => {
  expect(await read({})).toBeUndefined();
  expect(await read({ "requirements.txt": "" })).toBeUndefined();
  expect(await read({ "requirements.txt": "# numpy\n--index-url https://host/simple\n" })).toBeUndefined();
});

test("files that include each other are read once", async () => {
  const found = await read({ "requirements.txt": "-r a.txt\nx\n", "a.txt": "-r requirements.txt\n" });
  expect(found?.lines).toHaveLength(3);
});

test("what is installed from the project is known", async () => {
  const lines = [
    ".",
    "-e ./lib",
    "./wheels/a-1-py3-none-any.whl",
    "b @ file:./b",
    "--find-links found",
    "numpy",
    "c[x]>=1",
  ];
  const found = await read({
    "requirements.txt": `${lines.join("\n")}\nd @ https://host/d.whl\n./pkg[extra] ; python_version > "3"\n`,
  });
  expect(found?.localPaths).toEqual([".", "b", "found", "lib", "pkg", "wheels/a-1-py3-none-any.whl"]);
});

test("UTF-16, as some Windows shells write it, is read", async () => {
  const text = Buffer.from("\ufeffnumpy\r\n", "utf16le");
  expect((await read({ "requirements.txt": text }))?.lines[0]?.text).toBe("numpy");
});

test.each(["-r ../other.txt", "-r missing.txt", "../elsewhere", "-e ../elsewhere"])(
  "%s is refused with its place",
  async (line) => {
    await expect(read({ "requirements.txt": `numpy\n${line}\n` })).rejects.toSatisfy(
      (error: { code: string; at: { line: number } }) => error.code === "PROJECT_INVALID" && error.at.line === 2,
    );
  },
);
