import { startEmulator } from "../../aws/emulator.ts";
import type { Call } from "../../aws/shim/call-log.ts";
import { down, shortTimes, up } from "./cluster-run.ts";

/** What a run that nothing disturbs does. */
export interface CleanRun {
  /** What is there after `up`. */
  readonly names: readonly string[];
  readonly up: readonly Call[];
  readonly down: readonly Call[];
}

/** @throws Error when it fails although nothing disturbs it, or leaves something */
export async function cleanRun(): Promise<CleanRun> {
  await using emulator = await startEmulator({ times: shortTimes });
  const [first, second] = [emulator.client(), emulator.client()];
  const failures = [...(await up(emulator, { client: first }))];
  const names = await emulator.inventory.names();
  failures.push(...(await down(emulator, { client: second })));
  if (failures.length > 0) throw failures[0]!.error;
  const left = await emulator.inventory.names();
  if (left.length > 0) throw new Error(`a run that nothing disturbs leaves ${left.join(", ")}`);
  return { names, up: emulator.calls.of("*", first.accessKey), down: emulator.calls.of("*", second.accessKey) };
}

/** @returns the operations among these calls, each once, in the order in which they came first */
export function operationsOf(calls: readonly Call[], isMeant: (call: Call) => boolean): readonly string[] {
  return [...new Set(calls.filter(isMeant).map(({ name }) => name))];
}
