/** What the environment must know of the Cortex that it belongs to. */
export interface Installation {
  readonly version: string;
  /** Changes with every change of the program. */
  readonly build: string;
  /** How to start this program again: the executable and the arguments before a command's own. */
  readonly program: readonly string[];
  /** Holds launch.py and the package cortex_runtime. */
  readonly runtimeFolder: string;
  /** Holds the wheels that the runtime needs. */
  readonly wheelsFolder: string;
}
