import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import type { Emulator } from "../../aws/emulator.ts";
import { privateScene } from "../../faults/support/scenes.ts";
import type { Walker } from "../support/walker.ts";

/** A control plane where nothing listens: what lives inside the cluster fails, and nothing else may. */
export const silentControlPlane = {
  endpoint: "https://127.0.0.1:1",
  certificateAuthority: Buffer.from("no authority").toString("base64"),
};
const failed = 1;

/** A cluster on an AWS that is emulated, from `up` to `down`. */
export async function walkOnAws({ run, bench }: Walker, emulator: Emulator): Promise<void> {
  const { file } = privateScene;
  const bigger = file.replace("max_instances: 2", "max_instances: 3");
  const cwd = await bench.project({ "cluster.yaml": file, "bigger.yaml": bigger });
  const cluster = (line: string, status?: number) => run(["cluster", ...line.split(" ")], status, { cwd });

  expect(JSON.stringify((await cluster("iam-policy up -n demo -r us-east-1")).json())).toContain("eks:CreateCluster");
  const up = (await cluster("up -y -o json", failed)).json<Outcome>();
  expect(up.failures.map(({ id }) => id)).toEqual(["inside"]);
  expect((await cluster("list -r us-east-1")).stdout).toMatch(/^demo\tus-east-1\tactive\t/m);
  expect((await cluster("diff bigger.yaml", failed)).stdout).toContain("max_instances: 2 -> 3");
  const changed = (await cluster("configure bigger.yaml -y -o json", failed)).json<Outcome>();
  expect(changed.failures.map(({ id }) => id)).toEqual(["inside"]);
  expect((await cluster("diff bigger.yaml", failed)).stdout).not.toContain("max_instances");
  const info = (await cluster("info -e aws -y -o json")).json();
  expect(info).toMatchObject({ name: "demo", status: "active", warnings: [expect.stringContaining("127.0.0.1:1")] });
  expect((await run(["env", "list", "-o", "name"], 0)).stdout).toContain("aws");
  expect((await cluster("health -n demo -r us-east-1", failed)).stdout).toMatch(/^control plane\tok/m);
  await cluster("export -e aws --to exported", failed);
  expect((await cluster("upgrade -y")).stderr).toContain("cluster demo in us-east-1 is upgraded");
  expect((await cluster("down", 2)).stderr).toContain("-y");
  expect((await cluster("down -y -o json")).json()).toMatchObject({ failures: [], left: [] });
  expect(await emulator.inventory.names()).toEqual([]);
  await cluster("info -n demo -r us-east-1", 4);
  expect(await readFile(join(bench.home, "cli.json"), "utf8")).not.toContain("demo");
}

interface Outcome {
  readonly failures: readonly { readonly id: string }[];
}
