import { type FileHandle, open, stat } from "node:fs/promises";
import { asWriteError } from "../../platform/files.ts";
import { localFolders } from "./local-folders.ts";

const maxBytes = 2 ** 20;

/** Opens what the agent of `home` writes its own troubles to; begun anew once it is large. @throws NOT_WRITABLE, DISK_FULL */
export async function openAgentLog(home: string): Promise<FileHandle> {
  const file = localFolders(home).agentLog;
  const bytes = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  try {
    return await open(file, bytes > maxBytes ? "w" : "a", 0o600);
  } catch (error) {
    throw asWriteError(error, file);
  }
}
