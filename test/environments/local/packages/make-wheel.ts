import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { PackagesRequest } from "../../../../src/environments/local/packages/prepare-packages.ts";
import type { Handler } from "../../../../src/spec/api.ts";

const program = `
import json, sys, zipfile
folder, name, version, files, needs = json.loads(sys.argv[1])
info = f"{name}-{version}.dist-info"
with zipfile.ZipFile(f"{folder}/{name}-{version}-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
    for path, text in files.items():
        wheel.writestr(path, text)
    lines = "".join(f"Requires-Dist: {need}\\n" for need in needs)
    wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n{lines}")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(f"{info}/RECORD", "")
`;

/** Makes a wheel that pip installs. @returns its file name and SHA-256 */
export async function makeWheel(
  folder: string,
  name: string,
  version: string,
  files: Readonly<Record<string, string>> = { [`${name}.py`]: `version = "${version}"\n` },
  needs: readonly string[] = [],
): Promise<{ file: string; sha256: string }> {
  await mkdir(folder, { recursive: true });
  await promisify(execFile)("python3", ["-c", program, JSON.stringify([folder, name, version, files, needs])]);
  const file = `${name}-${version}-py3-none-any.whl`;
  return {
    file,
    sha256: createHash("sha256")
      .update(await readFile(join(folder, file)))
      .digest("hex"),
  };
}

export interface Place extends AsyncDisposable {
  readonly folder: string;
  readonly request: PackagesRequest;
  write(files: Readonly<Record<string, string>>): Promise<void>;
}

/** A home, a project and a runtime with one package, in a folder that is gone when the scope ends. */
export async function place(
  files: Readonly<Record<string, string>> = {},
  handler: Partial<Pick<Handler, "env" | "dependencies">> = {},
): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), "cortex test-"));
  const wheelsFolder = join(folder, "wheels");
  const runtimeFolder = join(folder, "runtime");
  const wheel = {
    name: "carried",
    version: "1.0",
    minPython: null,
    maxPython: null,
    platform: null,
    ...(await makeWheel(wheelsFolder, "carried", "1.0")),
  };
  const dependencies = { pip: "requirements.txt", conda: "conda-packages.txt", shell: "dependencies.sh" };
  const projectDir = join(folder, "project");
  const write = async (more: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(more)) {
      await mkdir(dirname(join(projectDir, name)), { recursive: true });
      await writeFile(join(projectDir, name), text);
    }
  };
  await mkdir(runtimeFolder);
  await writeFile(join(runtimeFolder, "wheels.lock"), JSON.stringify({ version: 1, wheels: [wheel] }));
  await write({ "handler.py": "", ...files });
  return {
    folder,
    write,
    request: {
      home: join(folder, "home"),
      projectDir,
      handler: { env: {}, dependencies, ...handler } as unknown as Handler,
      runtime: { runtimeFolder, wheelsFolder },
      variables: { ...process.env, PIP_CACHE_DIR: join(folder, "cache") },
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
