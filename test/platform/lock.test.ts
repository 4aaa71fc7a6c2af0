import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { takeLock } from "../../src/platform/lock.ts";
import { eventually } from "../support/cortex.ts";

const lockModule = join(import.meta.dirname, "../../src/platform/lock.ts");

async function lockFile(): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), "cortex-lock-"));
  return { path: join(folder, "agent.lock"), [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

test("one holds it, the next one does not, until it is released", async () => {
  await using file = await lockFile();
  const first = takeLock(file.path);
  expect(first).toBeDefined();
  expect(takeLock(file.path)).toBeUndefined();
  first!.release();
  const second = takeLock(file.path);
  expect(second).toBeDefined();
  second!.release();
});

test("it is free again when the process that held it was killed", async () => {
  await using file = await lockFile();
  const program = `const { takeLock } = await import(${JSON.stringify(lockModule)});
    globalThis.lock = takeLock(${JSON.stringify(file.path)}); console.log("held"); setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    await once(holder.stdout, "data");
    expect(takeLock(file.path)).toBeUndefined();
  } finally {
    holder.kill("SIGKILL");
    await once(holder, "close");
  }
  const lock = await eventually(() => takeLock(file.path));
  lock.release();
});

test("a place that cannot be written is named", () => {
  expect(() => takeLock("/proc/agent.lock")).toThrow(expect.objectContaining({ code: "NOT_WRITABLE" }));
});
