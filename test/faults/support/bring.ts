import { expect } from "vitest";
import type { CleanRun } from "./clean-run.ts";
import type { RunOptions, Stage } from "./stage.ts";

/** Has the cluster made and taken away again, both without a failure and with the same result as ever. */
export async function bringAndTakeAway(stage: Stage, clean: CleanRun, options?: RunOptions): Promise<void> {
  await bring(stage, clean, options);
  await stage.live();
  await takeAway(stage, options);
}

export async function bring(stage: Stage, clean: CleanRun, options?: RunOptions): Promise<void> {
  expect((await stage.up(options)).failed).toEqual([]);
  expect(await stage.names()).toEqual(clean.names);
}

export async function takeAway(stage: Stage, options?: RunOptions): Promise<void> {
  expect((await stage.down(options)).failed).toEqual([]);
  expect(await stage.traces()).toEqual([]);
}
