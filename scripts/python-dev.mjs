// Makes .venv, the Python environment that the runtime's tests and the emulated AWS run in: node scripts/python-dev.mjs
// Does nothing when it is there already, made from the same requirements and the same Python.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const requirements = ["test/runtime/requirements.txt", "test/aws/requirements.txt"];
const venv = join(root, ".venv");
const stampFile = join(venv, ".made-from");

process.exitCode = main();

function main() {
  const python = findPython();
  if (python === undefined)
    return fail("Python 3.9 or later with the venv module is needed; none was found as python3");
  const hash = createHash("sha256").update(python.version);
  for (const path of requirements) hash.update(readFileSync(join(root, path)));
  const stamp = hash.digest("hex");
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return 0;
  if (run(process.execPath, [join(root, "scripts/fetch-wheels.mjs")]) !== 0) return 1;
  // Without pip, because Debian's Python cannot put it there; the project brings pip as a wheel, which runs as it is.
  if (run(python.command, ["-m", "venv", "--clear", "--without-pip", venv]) !== 0) return 1;
  const wheels = join(root, "dist/wheels");
  const pip = readdirSync(wheels).find((file) => file.startsWith("pip-"));
  const files = requirements.flatMap((path) => ["--requirement", join(root, path)]);
  const options = ["--quiet", "--disable-pip-version-check", "--no-input", ...files];
  if (run(venvPython(), [join(wheels, String(pip), "pip"), "install", ...options]) !== 0) {
    return fail(`the packages of ${requirements.join(" and ")} could not be installed; pip's own words stand above`);
  }
  writeFileSync(stampFile, stamp);
  return 0;
}

function venvPython() {
  return process.platform === "win32" ? join(venv, "Scripts/python.exe") : join(venv, "bin/python");
}

/** @returns {{ command: string, version: string } | undefined} */
function findPython() {
  const program = "import sys, venv; print(sys.version); sys.exit(sys.version_info < (3, 9))";
  for (const command of ["python3", "python", "py"]) {
    const { status, stdout } = spawnSync(command, ["-c", program], { encoding: "utf8" });
    if (status === 0) return { command, version: stdout.trim() };
  }
  return undefined;
}

/** @param {string} command @param {string[]} args */
function run(command, args) {
  return spawnSync(command, args, { stdio: ["ignore", "inherit", "inherit"] }).status ?? 1;
}

/** @param {string} message */
function fail(message) {
  console.error(`error: ${message}`);
  return 1;
}
