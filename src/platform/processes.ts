/**
 * Sends `signal` to a process group whose leader is `pid` (a child spawned with `detached: true`). Windows knows neither
 * groups nor signals: there the leader alone is ended, and those below it end because their control pipes close.
 * @returns false when nothing of it is left
 */
export function killGroup(pid: number, signal: "SIGTERM" | "SIGKILL"): boolean {
  try {
    process.kill(process.platform === "win32" ? pid : -pid, signal);
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
