import { afterAll, beforeAll, expect, test } from "vitest";
import { createBench } from "../../support/cortex.ts";
import { type Emulated, emulated } from "../support/emulated.ts";
import { makeCluster } from "../support/made-cluster.ts";

/** Where nothing listens. */
const silent = { endpoint: "https://127.0.0.1:1", certificateAuthority: Buffer.from("none").toString("base64") };

let account: Emulated;
beforeAll(async () => {
  account = await emulated({ controlPlane: silent });
  await makeCluster(account, "cluster_name: shown\nnode_groups: [{name: cpu, instance_type: m5.large}]\n");
}, 180_000);
afterAll(() => account[Symbol.asyncDispose]());

test("clusters are looked at by a process of its own", { timeout: 120_000 }, async () => {
  await using bench = await createBench(account.emulator.variables);
  const listed = await bench.cortex(["cluster", "list", "-r", "us-east-1"]);
  expect(listed.status).toBe(0);
  expect(listed.stdout).toBe("cluster\tregion\tstatus\tkubernetes\tnodes\nshown\tus-east-1\tactive\t1.34\t1\n");
  const info = await bench.cortex(["cluster", "info", "-n", "shown", "-r", "us-east-1", "-o", "json"]);
  expect(info.status).toBe(0);
  const told = info.json<{ warnings: readonly string[] }>();
  expect(told).toMatchObject({
    name: "shown",
    status: "active",
    nodes: [],
    cost: { is_cached: false, currency: "USD" },
  });
  expect(told.warnings[0]).toContain("nodes and APIs are not known");
  const absent = await bench.cortex(["cluster", "info", "-n", "absent", "-r", "us-east-1"]);
  expect(absent).toMatchObject({ status: 4, stdout: "" });
  expect(absent.stderr).toContain("there is no cluster absent in us-east-1");
});
