import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { PackagesRequest } from "../../../../src/environments/local/packages/prepare-packages.ts";
import type { Handler } from "../../../../src/spec/api.ts";
import { makeWheel } from "../../../packages/make-wheel.ts";

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
