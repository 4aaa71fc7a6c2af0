import type { Call } from "../../aws/shim/call-log.ts";
import type { Scene } from "./scenes.ts";
import { startStage } from "./stage.ts";

/** What a run that nothing disturbs does. */
export interface CleanRun {
  /** What is there after `up`. */
  readonly names: readonly string[];
  readonly up: readonly Call[];
  readonly down: readonly Call[];
}

/** @throws Error when it fails although nothing disturbs it, or leaves something */
export async function cleanRun(scene: Scene): Promise<CleanRun> {
  await using stage = await startStage(scene);
  const up = await stage.up();
  const names = await stage.names();
  await stage.live();
  const down = await stage.down();
  const left = await stage.traces();
  const wrong = [...up.failed, ...down.failed, ...left];
  if (wrong.length > 0) throw new Error(`of ${scene.name}, a run that nothing disturbs: ${wrong.join("; ")}`);
  return { names, up: up.calls, down: down.calls };
}

/** @returns the operations of those calls that are meant, each once, in the order in which they came first */
export function operationsOf(calls: readonly Call[], isMeant: (call: Call) => boolean): readonly string[] {
  return [...new Set(calls.filter(isMeant).map(({ name }) => name))];
}

export const isChange = ({ isRead }: Call): boolean => !isRead;
