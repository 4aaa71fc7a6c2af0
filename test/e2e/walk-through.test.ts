import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Emulator, startEmulator } from "../aws/emulator.ts";
import { programUnderTest } from "./support/program.ts";
import { startWalk, type Walker } from "./support/walker.ts";
import { silentControlPlane, walkOnAws } from "./walks/cloud.ts";
import { noCluster, walkInCluster } from "./walks/cluster.ts";
import { walkAstray, walkLocally } from "./walks/local.ts";
import { walkInTerminal } from "./walks/terminal.ts";
import {
  commandsOf,
  walkElsewhere,
  walkThroughEnvironments,
  walkThroughHelp,
  walkThroughUpgrades,
} from "./walks/tools.ts";

const program = programUnderTest();
const timeout = 480_000;

describe(`every command of ${program.name}`, () => {
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

  test.concurrent("deploys and serves on this machine", { timeout }, () => walk(walkLocally));
  test.concurrent("makes a cluster on AWS, shows it, changes it and removes it", { timeout }, () =>
    walk((walker) => walkOnAws(walker, emulator), emulator.variables),
  );
  test
    .skipIf(noCluster)
    .concurrent(`deploys and serves in a cluster${noCluster ? `: ${noCluster}` : ""}`, { timeout }, () =>
      walk(walkInCluster),
    );
  test
    .skipIf(process.platform === "win32")
    .concurrent("shows progress and asks in a terminal", { timeout }, () => walk(walkInTerminal));
  test.concurrent("says what it is and what it can do", { timeout }, () => walk(walkThroughHelp));
  test.concurrent("finds newer versions of itself", { timeout }, () => walk(walkThroughUpgrades));
  test.concurrent("knows environments, also those that do not answer", { timeout }, () =>
    walk(walkThroughEnvironments),
  );
  test.concurrent("ends with a status that says what was wrong", { timeout }, () => walk(walkAstray));
  test
    .skipIf(process.platform === "win32")
    .concurrent("runs under another name and in any place", { timeout }, () => walk(walkElsewhere));

  test("none is left out", { timeout }, () =>
    walk(async (walker) => {
      const commands = await commandsOf(walker);
      expect(commands.length).toBeGreaterThan(30);
      expect(commands.filter((command) => !walked.has(command))).toEqual([]);
    }),
  );
});
