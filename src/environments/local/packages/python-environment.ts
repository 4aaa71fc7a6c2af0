/** What a handler's processes run in: an interpreter with the packages that the project asks for. */
export interface PythonEnvironment {
  /** Hash of what it was made from; equal keys are the same environment. Hex, 32 characters. */
  readonly key: string;
  /** The virtual environment's interpreter. */
  readonly python: string;
  /** The runtime's own packages, unpacked; they come last, so that a user's pins win. */
  readonly wheelsDir: string;
}
