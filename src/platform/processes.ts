import { spawnSync } from "node:child_process";

/**
 * Sends `signal` to a process group whose leader is `pid` (a child spawned with `detached: true`).
 * Windows knows neither groups nor signals: there the whole tree below `pid` is ended.
 * @returns false when nothing of the group is left
 */
export function killGroup(pid: number, signal: "SIGTERM" | "SIGKILL"): boolean {
  if (process.platform === "win32") {
    const { status } = spawnSync("taskkill", ["/pid", String(pid), "/t", "/f"], { stdio: "ignore", windowsHide: true });
    return status === 0;
  }
  try {
    process.kill(-pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
