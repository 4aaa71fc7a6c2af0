import type { InstalledFiles } from "../../platform/installation.ts";

/** What the environment must know of the Cortex that it belongs to. */
export interface Installation {
  readonly version: string;
  /** Changes with every change of the program. */
  readonly build: string;
  /** How to start this program again: the executable and the arguments before a command's own. */
  readonly program: readonly string[];
  /**
   * Where its parts in Python lie; what they are in is not on the disk before the first call.
   * @throws DISK_FULL, NOT_WRITABLE
   */
  files(home: string, signal: AbortSignal): Promise<InstalledFiles>;
}
