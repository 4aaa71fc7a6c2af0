import { afterAll, test } from "vitest";
import { startEmulated } from "./support/arm64.ts";
import { startWalk } from "./support/walker.ts";
import { walkThrough } from "./walks/every-command.ts";
import { walkShortly } from "./walks/local.ts";

const emulated = await startEmulated();
if (typeof emulated === "string") {
  test.skip(`the program for linux-arm64: ${emulated}`, () => {});
} else {
  const { program } = emulated;
  afterAll(() => emulated[Symbol.asyncDispose]());
  // All of it takes minutes, which `npm test` has not.
  if (process.env.MODE === "all-arm64") walkThrough(program);
  else
    test(`some commands of ${program.name}; all by npm test -- --only all-arm64`, { timeout: 480_000 }, async () => {
      await using walker = await startWalk(program, new Set());
      await walkShortly(walker);
    });
}
