// Fetches the Python packages that the binary brings along into dist/wheels, as src/runtime/wheels.lock names them.
//
//   node scripts/fetch-wheels.mjs            fetch what is not there yet; hashes are checked
//   node scripts/fetch-wheels.mjs --update   write the lock anew with the newest versions
//
// pip does the fetching, so that whatever index, proxy or certificate a machine is set up with is used.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * @typedef {object} Wheel
 * @property {string} name
 * @property {string} version
 * @property {string} file
 * @property {string} sha256 hex
 * @property {string | null} minPython first minor version that it is for, as "3.10"; null: any
 * @property {string | null} maxPython last one
 * @property {string | null} platform as Node's `${process.platform}-${process.arch}`; null: any
 */

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lockFile = join(root, "src/runtime/wheels.lock");
const wheelsFolder = join(root, "dist/wheels");
const stampFile = join(wheelsFolder, ".complete");

const served = ["uvicorn", "h11", "click", "starlette", "anyio", "idna", "typing_extensions", "python-multipart"];
const accelerators = ["uvloop", "httptools"];
const pythons = ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"];
const platforms = {
  "linux-x64": ["manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"],
  "linux-arm64": ["manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"],
  "darwin-arm64": ["macosx_11_0_arm64", "macosx_11_0_universal2", "macosx_10_9_universal2"],
};

const exit = process.argv.includes("--update") ? update() : fetchAll();
process.exitCode = exit;

function fetchAll() {
  const lock = readLock();
  if (existsSync(stampFile) && readFileSync(stampFile, "utf8") === stamp() && !lock.some(isNeededAndMissing)) return 0;
  const extra = lock.filter((wheel) => wheel.platform === `${process.platform}-${process.arch}`);
  const missing = lock.filter(isNeededAndMissing);
  const missingExtra = extra.filter(isMissing);
  const pip = findPip();
  if (pip === undefined) return fail("no python3 with pip was found; install one (Debian: apt install python3-pip)");
  mkdirSync(wheelsFolder, { recursive: true });
  for (const group of groups(missing)) {
    const error = download(pip, group);
    if (error !== undefined)
      return fail(`pip could not fetch ${group.map((wheel) => wheel.name).join(", ")}: ${error}`);
  }
  const here = new Set(pythonsHere());
  for (const group of groups(missingExtra.filter((wheel) => here.has(wheel.minPython ?? "")))) {
    const error = download(pip, group);
    if (error !== undefined) console.error(`note: without ${group.map((wheel) => wheel.file).join(", ")}: ${error}`);
  }
  writeFileSync(stampFile, stamp());
  return 0;
}

/** Of which lock the folder holds all that this machine could get. */
function stamp() {
  return createHash("sha256").update(readFileSync(lockFile)).digest("hex");
}

/** @param {Wheel} wheel */
function isNeededAndMissing(wheel) {
  return wheel.platform === null && isMissing(wheel);
}

/** @param {Wheel} wheel */
function isMissing(wheel) {
  const file = join(wheelsFolder, wheel.file);
  return !existsSync(file) || createHash("sha256").update(readFileSync(file)).digest("hex") !== wheel.sha256;
}

/** Wheels that one run of pip can fetch: of one Python and one platform. @param {Wheel[]} wheels */
function groups(wheels) {
  /** @type {Map<string, Wheel[]>} */
  const byTarget = new Map();
  for (const wheel of wheels) {
    const key = `${wheel.minPython ?? wheel.maxPython ?? pythons[0]} ${wheel.platform}`;
    byTarget.set(key, [...(byTarget.get(key) ?? []), wheel]);
  }
  return [...byTarget.values()];
}

/** @param {string} python @param {Wheel[]} wheels @returns {string | undefined} what went wrong, in one line */
function download(python, wheels) {
  const [first] = wheels;
  const scratch = mkdtempSync(join(tmpdir(), "cortex-wheels-"));
  try {
    const list = join(scratch, "requirements.txt");
    writeFileSync(list, wheels.map((one) => `${one.name}==${one.version} --hash=sha256:${one.sha256}\n`).join(""));
    const wanted = first.minPython ?? first.maxPython ?? pythons[0];
    const run = pip(python, [
      ...["download", "--quiet", "--require-hashes", "--dest", wheelsFolder, "--requirement", list],
      ...target(wanted, first.platform),
    ]);
    return run.status === 0 ? undefined : lastLine(run.stderr);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function update() {
  const python = findPip();
  if (python === undefined) return fail("no python3 with pip was found; install one (Debian: apt install python3-pip)");
  const [oldest, next] = pythons;
  /** @type {Wheel[]} */
  const wheels = [
    ...resolve(python, ["pip"], oldest, null, {}),
    ...resolve(python, [...served, "sniffio"], oldest, null, { maxPython: oldest }),
    ...resolve(python, served, next, null, { minPython: next }),
    ...resolve(python, ["exceptiongroup"], oldest, null, { maxPython: next }),
  ];
  for (const platform of Object.keys(platforms)) {
    for (const version of pythons) {
      wheels.push(...resolve(python, accelerators, version, platform, { minPython: version, maxPython: version }));
    }
  }
  writeFileSync(
    lockFile,
    `{ "version": 1, "wheels": [\n${wheels.map((one) => `  ${JSON.stringify(one)}`).join(",\n")}\n] }\n`,
  );
  console.error(`${wheels.length} wheels in ${lockFile}`);
  return 0;
}

/**
 * Asks pip which versions it would install. Dependencies are named by us: pip judges their conditions by its own Python.
 * @param {string} python @param {string[]} names @param {string} version @param {string | null} platform
 * @param {{ minPython?: string, maxPython?: string }} range @returns {Wheel[]}
 */
function resolve(python, names, version, platform, range) {
  const run = pip(python, [
    ...["install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-", "--target", join(tmpdir(), "unused")],
    ...target(version, platform),
    ...names,
  ]);
  if (run.status !== 0)
    throw new Error(`pip cannot resolve ${names} for Python ${version} on ${platform}: ${lastLine(run.stderr)}`);
  return JSON.parse(run.stdout).install.map((one) => ({
    name: one.metadata.name,
    version: one.metadata.version,
    file: decodeURIComponent(basename(new URL(one.download_info.url).pathname)),
    sha256: one.download_info.archive_info.hashes?.sha256 ?? one.download_info.archive_info.hash.replace("sha256=", ""),
    minPython: range.minPython ?? null,
    maxPython: range.maxPython ?? null,
    platform,
  }));
}

/** @param {string} version @param {string | null} platform @returns {string[]} */
function target(version, platform) {
  const tags = platform === null ? [] : platforms[platform].flatMap((tag) => ["--platform", tag]);
  return ["--no-deps", "--only-binary", ":all:", "--python-version", version, ...tags];
}

/** @param {string} python @param {string[]} args */
function pip(python, args) {
  const run = ["-m", "pip", "--disable-pip-version-check", "--no-input", ...args];
  return spawnSync(python, run, { encoding: "utf8", maxBuffer: 1 << 26, timeout: 300_000 });
}

/** @returns {string | undefined} a Python whose pip can report what it would install */
function findPip() {
  return pythonCommands().find((python) => {
    const { status, stdout } = spawnSync(python, ["-m", "pip", "--version"], { encoding: "utf8" });
    return status === 0 && Number(/pip (\d+)/.exec(stdout)?.[1]) >= 22;
  });
}

/** @returns {string[]} minor versions of the Pythons on this machine, as "3.11" */
function pythonsHere() {
  const program = "import sys; print('%d.%d' % sys.version_info[:2])";
  return pythonCommands().flatMap((python) => {
    const { status, stdout } = spawnSync(python, ["-c", program], { encoding: "utf8" });
    return status === 0 ? [stdout.trim()] : [];
  });
}

/** Commands that may be a Python, the machine's own first. */
function pythonCommands() {
  const versions = join(process.env.PYENV_ROOT ?? join(homedir(), ".pyenv"), "versions");
  const managed = existsSync(versions) ? readdirSync(versions).map((name) => join(versions, name, "bin/python3")) : [];
  const named = pythons.map((version) => `python${version}`);
  return ["python3", ...(process.platform === "win32" ? ["py", "python"] : []), ...named, ...managed];
}

/** @returns {Wheel[]} */
function readLock() {
  return JSON.parse(readFileSync(lockFile, "utf8")).wheels;
}

/** @param {string} text */
function lastLine(text) {
  const lines = text.trim().split("\n");
  return lines.findLast((line) => line.startsWith("ERROR")) ?? lines.at(-1) ?? "";
}

/** @param {string} message */
function fail(message) {
  console.error(`error: ${message}`);
  return 1;
}
