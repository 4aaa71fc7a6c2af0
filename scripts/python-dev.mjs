// Makes .venv, the Python environment that the runtime's tests run in: node scripts/python-dev.mjs
// Does nothing when it is there already, made from the same requirements and the same Python.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const requirements = join(root, "test/runtime/requirements.txt");
const venv = join(root, ".venv");
const stampFile = join(venv, ".made-from");

process.exitCode = main();

function main() {
  const python = findPython();
  if (python === undefined)
    return fail("Python 3.9 or later with the venv module is needed; none was found as python3");
  const stamp = createHash("sha256").update(python.version).update(readFileSync(requirements)).digest("hex");
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp) return 0;
  if (run(process.execPath, [join(root, "scripts/fetch-wheels.mjs")]) !== 0) return 1;
  // Without pip, because Debian's Python cannot put it there; the project brings pip as a wheel, which runs as it is.
  if (run(python.command, ["-m", "venv", "--clear", "--without-pip", venv]) !== 0) return 1;
  const wheels = join(root, "dist/wheels");
  const pip = readdirSync(wheels).find((file) => file.startsWith("pip-"));
  const options = ["--quiet", "--disable-pip-version-check", "--no-input", "--requirement", requirements];
  if (run(venvPython(), [join(wheels, String(pip), "pip"), "install", ...options]) !== 0) {
    return fail("the packages of test/runtime/requirements.txt could not be installed; pip's own words stand above");
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
