import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

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
