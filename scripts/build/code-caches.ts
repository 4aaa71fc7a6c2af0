import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectNode } from "../toolchain.mjs";

/** What is run once so that the functions it needs are in the caches; none of it leaves anything behind. */
const commands = [
  ["--version"],
  ["--help"],
  ["deploy", "--dry-run"],
  ["deploy", "--dry-run", "-o", "json"],
  ["get"],
  ["get", "-o", "json"],
  ["env", "list"],
  ["explain", "handler"],
  ["completion", "bash"],
] as const;

const configuration = `- name: warm
  kind: RealtimeAPI
  handler:
    type: python
    path: handler.py
`;

const limitMs = 20_000;

/** Fills the code caches beside `main` by running its commands in a home and a project of their own. */
export async function fillCodeCaches(main: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "cortex-build-"));
  try {
    await writeFile(join(folder, "cortex.yaml"), configuration);
    await writeFile(join(folder, "handler.py"), "class Handler:\n    def handle_post(self):\n        return 1\n");
    for (const command of commands) await runOnce(main, command, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A command that fails has still compiled what it ran; that it works is for the tests to say. */
function runOnce(main: string, command: readonly string[], folder: string): Promise<void> {
  const { NODE_OPTIONS: _, ...rest } = process.env;
  const env = { ...rest, CORTEX_HOME: join(folder, ".home"), CORTEX_FILL_CODE_CACHES: "1" };
  return new Promise((resolve, reject) => {
    const child = spawn(projectNode(), [main, ...command], { cwd: folder, env, stdio: "ignore", timeout: limitMs });
    child.on("error", reject);
    child.on("close", () => resolve());
  });
}
