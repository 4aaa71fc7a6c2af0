import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Emulator, startEmulator } from "../../aws/emulator.ts";
import type { Program } from "../support/program.ts";
import { startWalk, type Walker } from "../support/walker.ts";
import { silentControlPlane, walkOnAws } from "./cloud.ts";
import { noCluster, walkInCluster } from "./cluster.ts";
import { walkAstray, walkLocally } from "./local.ts";
import { walkInTerminal } from "./terminal.ts";
import { commandsOf, walkElsewhere, walkThroughEnvironments, walkThroughHelp, walkThroughUpgrades } from "./tools.ts";

/** Tests that walk through every command of a program, and that none is left out; of one that is slow, a command at a time. */
export function walkThrough(program: Program): void {
  const timeout = program.isSlow ? 900_000 : 480_000;
  describe(`every command of ${program.name}`, { timeout, concurrent: !program.isSlow }, () => {
    const walked = new Set<string>();
    let emulator: Emulator;
    beforeAll(async () => {
      emulator = await startEmulator({ speed: 300, controlPlane: silentControlPlane });
    });
    afterAll(() => emulator[Symbol.asyncDispose]());

    const walk = async (steps: (walker: Walker) => Promise<void>, env?: Readonly<Record<string, string>>) => {
      await using walker = await startWalk(program, walked, env);
      await steps(walker);
    };

    test("deploys and serves on this machine", () => walk(walkLocally));
    test("makes a cluster on AWS, shows it, changes it and removes it", () =>
      walk((walker) => walkOnAws(walker, emulator), emulator.variables));
    test.skipIf(noCluster)(`deploys and serves in a cluster${noCluster ? `: ${noCluster}` : ""}`, () =>
      walk(walkInCluster),
    );
    test.skipIf(process.platform === "win32")("shows progress and asks in a terminal", () => walk(walkInTerminal));
    test("says what it is and what it can do", () => walk(walkThroughHelp));
    test("finds newer versions of itself", () => walk(walkThroughUpgrades));
    test("knows environments, also those that do not answer", () => walk(walkThroughEnvironments));
    test("ends with a status that says what was wrong", () => walk(walkAstray));
    test.skipIf(process.platform === "win32")("runs under another name and in any place", () => walk(walkElsewhere));

    test("none is left out", { concurrent: false }, () =>
      walk(async (walker) => {
        const commands = await commandsOf(walker);
        expect(commands.length).toBeGreaterThan(30);
        expect(commands.filter((command) => !walked.has(command))).toEqual([]);
      }),
    );
  });
}
