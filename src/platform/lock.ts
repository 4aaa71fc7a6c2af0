import { chmodSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { asWriteError } from "./files.ts";

/**
 * Held by one process at a time, for as long as it keeps this object; the kernel frees it when that process ends, however it
 * ends.
 */
export interface Lock {
  release(): void;
}

const busy = 5;

/**
 * Takes the lock that `file` stands for. A lock of an empty SQLite database is the one kind that Node can take on every
 * system, that dies with its owner, and that nobody has to clean up.
 * @returns undefined when another process holds it
 * @throws NOT_WRITABLE, DISK_FULL
 */
export function takeLock(file: string): Lock | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    if (process.platform !== "win32") chmodSync(file, 0o600);
    database.exec("PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (error) {
    database?.close();
    if ((error as { errcode?: number }).errcode === busy) return undefined;
    throw describeOpenError(error, file);
  }
  const held = database;
  return { release: () => held.close() };
}

/** SQLite has its own numbers for what the file system said. */
function describeOpenError(error: unknown, file: string): unknown {
  const names: Record<number, string> = { 8: "EROFS", 13: "ENOSPC", 14: "EACCES" };
  const primary = ((error as { errcode?: number }).errcode ?? 0) & 0xff;
  const code = names[primary];
  return code ? asWriteError(Object.assign(new Error(String(error)), { code }), file) : asWriteError(error, file);
}
