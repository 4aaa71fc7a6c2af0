import { describe, test } from "vitest";
import type { Call } from "../aws/shim/call-log.ts";
import { bring, bringAndTakeAway, takeAway } from "./support/bring.ts";
import { choose, timeout } from "./support/choose.ts";
import { cleanRun, isChange, operationsOf } from "./support/clean-run.ts";
import { otherScenes, privateScene, type Scene } from "./support/scenes.ts";
import { startStage } from "./support/stage.ts";

const usual = await cleanRun(privateScene);
const scenes = await Promise.all(
  choose(otherScenes, 1).map(async (scene) => ({ scene, clean: await cleanRun(scene), name: scene.name })),
);

describe.each(scenes)("a cluster with $name", { concurrent: true }, ({ scene, clean }) => {
  test.each(choose(deathsOf(scene, clean), 3))(
    "killed at $where is gone on from",
    { timeout },
    async ({ up, down }) => {
      await using stage = await startStage(scene);
      if (up) await stage.killed("up", up);
      await bring(stage, clean);
      await stage.live();
      if (down) await stage.killed("down", down);
      await takeAway(stage);
    },
  );

  test.each((["throttle", "error", "lostReply"] as const).map((kind) => ({ kind })))(
    "$kind at the first call of every operation: changes nothing about what comes of it",
    { timeout },
    async ({ kind }) => {
      await using stage = await startStage(scene);
      for (const op of operationsOf([...clean.up, ...clean.down], isChange)) stage.emulator.faults.add({ op, kind });
      await bringAndTakeAway(stage, clean);
    },
  );
});

/**
 * The changes that the usual cluster has not, or has fewer of, each as a place to die at: of `up` and of `down`, side by side, as in
 * between the cluster is brought, whole.
 */
function deathsOf(scene: Scene, clean: typeof usual) {
  const ups = own(clean.up, usual.up);
  // In subnets of one's own everything is found in another way, since no network goes with it.
  const downs = own(clean.down, scene.prepare ? [] : usual.down);
  return Array.from({ length: Math.max(ups.length, downs.length) }, (_, index) => {
    const [up, down] = [ups[index], downs[index]];
    const where = [up && `${up.op} (${up.nth})`, down && `${down.op} (${down.nth})`].filter(Boolean).join(" and at ");
    return { where, up, down };
  });
}

function own(calls: readonly Call[], others: readonly Call[]) {
  return operationsOf(calls, isChange).flatMap((op) => {
    const count = calls.filter(({ name }) => name === op).length;
    const isMore = count > others.filter(({ name }) => name === op).length;
    return isMore ? Array.from({ length: count }, (_, index) => ({ op, nth: index + 1 })) : [];
  });
}
