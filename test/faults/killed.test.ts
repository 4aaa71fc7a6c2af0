import { describe, expect, test } from "vitest";
import { bring, takeAway } from "./support/bring.ts";
import { choose, inGroups, timeout } from "./support/choose.ts";
import { cleanRun, isChange } from "./support/clean-run.ts";
import { privateScene } from "./support/scenes.ts";
import { type Command, startStage } from "./support/stage.ts";

const clean = await cleanRun(privateScene);

/** Calls go side by side, so that a change may come so many calls earlier in one run than in another. */
const sometimesEarlier = 10;
/** Calls before the first change: until then a command only looks. */
const looksOfUp = clean.up.findIndex(isChange) - sometimesEarlier;
/** Taking the lease changes nothing for the next command, which takes it over. */
const looksOfDown = clean.down.findIndex((call) => isChange(call) && call.name !== "s3:PutObject") - sometimesEarlier;
/** How often a run asks again while AWS works differs a little from one to the next. */
const sometimesMore = 5;

const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

const looks = [
  ...inGroups(choose(from(1, looksOfUp), 4), 15).map((ats) => ({ command: "up" as Command, ats })),
  ...inGroups(choose(from(1, looksOfDown), 4), 15).map((ats) => ({ command: "down" as Command, ats })),
].map((one) => ({ ...one, where: one.ats.join(", ") }));

/**
 * Each call of `up` from about its first change on, and with it one of `down`: between the two the cluster is brought, whole, so that
 * neither sees anything of the other. The rest of the longer list goes alone.
 */
const upAts = from(looksOfUp + 1, clean.up.length + sometimesMore);
const downAts = from(looksOfDown + 1, clean.down.length + sometimesMore);
const pairs = from(0, Math.max(upAts.length, downAts.length) - 1).map((index) => {
  const [upAt, downAt] = [upAts[index], downAts[index]];
  const where = [upAt && `call ${upAt} of up`, downAt && `call ${downAt} of down`].filter(Boolean).join(" and at ");
  return { where, upAt, downAt };
});

describe("a command that is killed", { concurrent: true }, () => {
  /**
   * Each of these kills leaves what it found, as the calls themselves show: no change is among them. So the run that comes after
   * begins alike after all of them, and one such run for several is enough.
   */
  test.each(looks)(
    "$command, at each of its calls $where has changed nothing",
    { timeout },
    async ({ command, ats }) => {
      await using stage = await startStage(privateScene);
      if (command === "down") await bring(stage, clean);
      for (const at of ats) {
        const changes = (await stage.killed(command, at)).filter(isChange).map(({ name }) => name);
        expect([at, changes.filter((name) => command === "up" || name !== "s3:PutObject")]).toEqual([at, []]);
      }
      expect(await stage.names()).toEqual(command === "up" ? [] : clean.names);
      if (command === "up") await bring(stage, clean);
      await takeAway(stage);
    },
  );

  /** What is left differs from call to call, be it only in what AWS has got done by then: each begins anew. */
  test.each(choose(pairs, 3))("at $where is gone on from", { timeout }, async ({ upAt, downAt }) => {
    await using stage = await startStage(privateScene);
    if (upAt !== undefined) await stage.killed("up", upAt);
    await bring(stage, clean);
    if (downAt !== undefined) await stage.killed("down", downAt);
    await takeAway(stage);
  });
});
