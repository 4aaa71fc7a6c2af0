// `npm run quickstart`: from a fresh clone to a prediction. Plain JavaScript for Node 20 without any package.
import { relative } from "node:path";
import { installPackages, missingPackages, projectNode, projectRoot, pythonProblem, run } from "./toolchain.mjs";

const isWindows = process.platform === "win32";
const cortex = isWindows ? "dist\\cortex.cmd" : "dist/cortex";
const example = "examples/iris";
const sample = `${example}/sample.json`;

process.exitCode = await quickstart();

async function quickstart() {
  const problem = pythonProblem();
  if (problem) {
    console.error(`error: ${problem}`);
    return 1;
  }
  const steps = [
    ["install what the build needs", installQuietly, missingPackages],
    ["build dist/cortex", () => run(projectNode(), ["scripts/build.ts"])],
    [`deploy ${example}: a scikit-learn model that trains itself`, () => call("deploy", example, "-e", "local", "-y")],
    [`ask it: cortex predict iris ${sample}`, predict],
  ];
  const needed = steps.filter(([, , isNeeded]) => !isNeeded || isNeeded());
  const startedAt = performance.now();
  for (const [index, [what, work]] of needed.entries()) {
    const status = await step(`[${index + 1}/${needed.length}] ${what}`, work);
    if (status !== 0) return status;
  }
  console.log(`\nFrom nothing to a prediction in ${seconds(startedAt)}. ${whatNext()}`);
  return 0;
}

async function installQuietly() {
  await installPackages({ quiet: true });
  return 0;
}

async function predict() {
  const status = await call("predict", "iris", sample, "-e", "local");
  // The answer is the body as it came, which need not end a line.
  console.log();
  return status;
}

async function step(title, work) {
  console.log(`\n${title}`);
  const startedAt = performance.now();
  const status = await work();
  console.log(status === 0 ? `      done in ${seconds(startedAt)}` : `      failed after ${seconds(startedAt)}`);
  return status;
}

/** Runs the command that was just built, as a user would. */
function call(...args) {
  return run(isWindows ? cortex : `${projectRoot}/${cortex}`, args, { shell: isWindows });
}

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}

function whatNext() {
  const here = relative(process.cwd(), projectRoot) || ".";
  const command = isWindows ? `${here}\\${cortex}` : `${here}/${cortex}`.replace(/^\.\/\.\.\//, "../");
  const tries = [
    ["get", "what runs, and how it does"],
    ["describe iris", "its replicas, and why there are as many as there are"],
    ["logs iris -f", "what it prints, and every request"],
    ["history iris", "its revisions; rollback goes back to one"],
    [`deploy ${example} --watch`, "deploy again on every file that you save"],
    ["delete iris", "stop it: until then it goes on running"],
  ];
  const width = Math.max(...tries.map(([args]) => args.length));
  const lines = tries.map(([args, why]) => `  ${command} ${args.padEnd(width)}  # ${why}`);
  return ["The API goes on running. What to try next:", ...lines].join("\n");
}
