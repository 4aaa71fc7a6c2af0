import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { expect, test } from "vitest";
import { startEmulator } from "../../aws/emulator.ts";
import { createBench } from "../../support/cortex.ts";

const minutes = 60_000;
/** Nothing listens there: AWS's part must be done without the cluster's API server, too. */
const nowhere = {
  endpoint: "https://127.0.0.1:1",
  certificateAuthority: Buffer.from("no authority").toString("base64"),
};

test("the command makes a cluster, stops on Ctrl-C, goes on, changes it and removes it", {
  timeout: 6 * minutes,
}, async () => {
  await using emulator = await startEmulator({ speed: 300, controlPlane: nowhere });
  await using bench = await createBench(emulator.variables);
  const name = `c${randomBytes(4).toString("hex")}`;
  const yaml = (max: number) =>
    `cluster_name: ${name}\nregion: us-east-1\nnode_groups: [{name: cpu, instance_type: m5.large, max_instances: ${max}}]\n`;
  const cwd = await bench.project({ "cluster.yaml": yaml(5), "larger.yaml": yaml(8) });
  const cortex = (...args: readonly string[]) => bench.cortex(["cluster", ...args], { cwd });

  const interrupted = bench.start(["cluster", "up", "-y"], { cwd });
  let said = "";
  interrupted.stderr?.on("data", (data: Buffer) => {
    const hadVpc = said.includes("VPC: created");
    said += data.toString();
    // Once: a second one would not wait for what is being done.
    if (!hadVpc && said.includes("VPC: created")) interrupted.kill("SIGINT");
  });
  const [status] = (await once(interrupted, "close")) as [number | null];
  expect(said).toContain(
    "interrupted; what is made so far stays, and what AWS is making goes on; run the same command",
  );
  expect(status).toBe(130);

  const made = await cortex("up", "-y", "-o", "json");
  const outcome = made.json<{
    changes: { id: string; action: string }[];
    failures: { id: string; error: { code: string } }[];
    environment: string;
  }>();
  expect(outcome.failures).toMatchObject([{ id: "inside", error: { code: "CLUSTER_UNREACHABLE" } }]);
  expect(outcome.changes.map(({ id }) => id)).not.toContain("vpc");
  expect(made.stderr).toContain("operator_load_balancer_cidr_white_list in cluster.yaml");
  expect(outcome.environment).toBe(name);
  const environments = (await bench.cortex(["env", "list", "-o", "json"])).json<{ environments: { name: string }[] }>();
  expect(environments.environments.map((one) => one.name)).toEqual(["local", name]);

  const diff = await cortex("diff", "larger.yaml");
  expect(diff.stdout).toContain("~ node_groups.cpu.max_instances: 5 -> 8");
  expect(diff.status).toBe(1);
  const named = ["-n", name, "-r", "us-east-1"];
  expect((await cortex("down", ...named)).stderr).toContain("add -y to agree beforehand");
  const removing = bench.start(["cluster", "down", ...named, "-y"], { cwd });
  let told = "";
  removing.stderr?.on("data", (data: Buffer) => {
    const hadBegun = told.includes(": removed");
    told += data.toString();
    if (!hadBegun && told.includes(": removed")) removing.kill("SIGINT");
  });
  expect(await once(removing, "close")).toEqual([130, null]);
  expect(told).toContain("interrupted; ");
  expect(await emulator.inventory.names()).not.toEqual([]);
  const removed = await cortex("down", ...named, "-y", "-o", "json");
  expect(removed.json()).toMatchObject({ failures: [], left: [], kept: [], environments_removed: [name] });
  expect(removed.status).toBe(0);
  expect(await emulator.inventory.names()).toEqual([]);
  const gone = await cortex("down", ...named, "-y");
  expect(gone.status).toBe(4);
  expect(gone.stderr).toContain(`there is no cluster ${name} in us-east-1`);
});
