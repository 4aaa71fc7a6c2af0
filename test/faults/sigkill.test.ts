import { once } from "node:events";
import { expect, test } from "vitest";
import { type Emulator, startEmulator } from "../aws/emulator.ts";
import { type Bench, createBench } from "../support/cortex.ts";
import { choose } from "./support/choose.ts";
import { privateScene } from "./support/scenes.ts";

const minutes = 60_000;
/** Nothing listens there: what lives inside the cluster is left out. */
const nowhere = {
  endpoint: "https://127.0.0.1:1",
  certificateAuthority: Buffer.from("no authority").toString("base64"),
};
const points = Array.from({ length: 15 }, (_, index) => index * 10 + 5);

test.each(choose(points, 2))(
  "a real process that is killed at its call %i is taken over from at once",
  {
    timeout: 8 * minutes,
  },
  async (point) => {
    await using emulator = await startEmulator({ speed: 300, controlPlane: nowhere });
    await using bench = await createBench(emulator.variables);
    const cwd = await bench.project({ "cluster.yaml": privateScene.file });
    const cortex = async (...args: readonly string[]) => {
      const { variables } = emulator.client();
      return (await bench.cortex(["cluster", ...args, "-y", "-o", "json"], { cwd, env: variables })).json<Outcome>();
    };

    await killed(emulator, bench, { point, args: ["up"], cwd });
    const made = await cortex("up");
    // Only what would need an API server has failed.
    expect(made.failures.map(({ id }) => id)).toEqual(["inside"]);
    const names = await emulator.inventory.names();
    expect(names).toEqual([...names].filter((name, index) => isManifold(name) || names.indexOf(name) === index));

    await killed(emulator, bench, { point, args: ["down"], cwd });
    expect(await cortex("down")).toMatchObject({ failures: [], left: [] });
    expect(await emulator.inventory.names()).toEqual([]);
  },
);

interface Outcome {
  readonly failures: readonly { readonly id: string }[];
}

/** Of these AWS itself makes several, without names of their own. */
function isManifold(name: string): boolean {
  return /^(network-interface|instance|volume|security-group) /.test(name);
}

interface Killing {
  readonly point: number;
  readonly args: readonly string[];
  readonly cwd: string;
}

/** Kills the command with its n-th call, unless it ends before. */
async function killed(emulator: Emulator, bench: Bench, { point, args, cwd }: Killing): Promise<void> {
  const client = emulator.client();
  client.killAt(point, "after");
  const child = bench.start(["cluster", ...args, "-y"], { cwd, env: client.variables });
  client.dead.addEventListener("abort", () => child.kill("SIGKILL"));
  child.stdout?.resume();
  child.stderr?.resume();
  await once(child, "close");
}
