import { rm } from "node:fs/promises";
import { expect, test } from "vitest";
import { deployRights } from "../../../src/core/rights.ts";
import { clusterTest, scratchNamespace } from "../../support/cluster.ts";
import { createBench, eventually } from "../../support/cortex.ts";
import { kubeconfigOf, setRole, untilAllowed } from "./support/deployer.ts";

const registry = process.env.CORTEX_TEST_REGISTRY ?? "localhost:5000";
const baseImage = process.env.CORTEX_TEST_BASE_IMAGE ?? "localhost:5000/library/python:3.11-slim";

const handler = `class Handler:
    def handle_post(self, payload):
        print("asked")
        return {"version": VERSION}
`;
const configuration = `- name: least
  handler:
    path: handler.py
    env: {SECRET: value}
  compute: {cpu: 20m, mem: 96Mi}
`;

clusterTest("somebody with just the printed rights", () => {
  test("deploys, looks, asks, changes and deletes", { timeout: 600_000 }, async () => {
    await using scratch = await scratchNamespace("addons");
    const kubeconfig = await kubeconfigOf(scratch.client, scratch.name);
    await setRole(scratch.client, scratch.name, deployRights);
    await untilAllowed(scratch.client, scratch.name, deployRights[0]!);
    await using bench = await createBench({ KUBECONFIG: kubeconfig });
    const cortex = async (...args: string[]) => {
      const ran = await bench.cortex(args, { cwd: folder, timeoutMs: 300_000 });
      expect(ran.status, `cortex ${args.join(" ")}\n${ran.stdout}${ran.stderr}`).toBe(0);
      return ran;
    };
    /** The gateway may hear a moment late of what is live. */
    const answers = (version: string) =>
      eventually(async () => (await cortex("predict", "least", "-d", "{}")).stdout.includes(version));
    const files = (version: number) => ({
      "handler.py": `VERSION = ${version}\n${handler}`,
      "cortex.yaml": configuration,
    });
    let folder = await bench.project(files(1));
    const settings = ["--namespace", scratch.name, "--registry", registry, "--base-image", baseImage];
    await cortex("env", "configure", "test", ...settings);
    await cortex("env", "default", "test");
    await cortex("deploy");
    folder = await bench.project(files(2));
    await cortex("deploy", "--dry-run=server", "-o", "yaml");
    await cortex("deploy");
    await cortex("get");
    await cortex("describe", "least");
    await cortex("history", "least");
    await cortex("diff");
    await cortex("refresh", "least");
    await answers("2");
    await cortex("logs", "least");
    await cortex("exec", "least", "--", "true");
    await cortex("rollback", "least", "-y");
    await answers("1");
    await cortex("delete", "least", "-f");
    await rm(kubeconfig, { force: true });
  });
});
