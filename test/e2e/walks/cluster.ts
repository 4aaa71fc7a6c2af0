import { once } from "node:events";
import { expect } from "vitest";
import { speaking, spec } from "../../conformance/handlers.ts";
import { scratchNamespace, testKubeconfig } from "../../support/cluster.ts";
import type { Walker } from "../support/walker.ts";

const { CORTEX_TEST_REGISTRY: registry = "", CORTEX_TEST_BASE_IMAGE: baseImage = "" } = process.env;

/** Why nothing is walked through in a cluster; undefined where it is. */
export const noCluster =
  testKubeconfig && registry ? undefined : "CORTEX_TEST_KUBECONFIG and CORTEX_TEST_REGISTRY name no disposable cluster";

/** An API in the cluster of CORTEX_TEST_KUBECONFIG. */
export async function walkInCluster({ run, note, bench }: Walker): Promise<void> {
  await using namespace = await scratchNamespace("walk");
  const cwd = await bench.project({
    "cortex.yaml": spec("walk"),
    "handler.py": `print("it begins")\n${speaking("one")}`,
  });
  const there = ["-e", "lab"];
  const image = baseImage ? ["--base-image", baseImage] : [];
  const place = ["--kubeconfig", testKubeconfig, "--namespace", namespace.name, "--registry", registry, ...image];
  await run(["env", "configure", "lab", ...place]);
  expect((await run(["cluster", "health", ...there, "-o", "json"])).json()).toMatchObject({ gateway: true });
  await run(["cluster", "install", ...there, "--dry-run"]);
  await run(["cluster", "uninstall", ...there, "--dry-run"]);
  const planned = await run(["deploy", ...there, "--dry-run=server", "-o", "yaml"], 0, { cwd });
  expect(planned.stdout).toContain("kind: Deployment");
  await run(["diff", ...there], 1, { cwd });
  await run(["deploy", ...there], 0, { cwd });
  await run(["diff", ...there], 0, { cwd });
  for (const format of ["pretty", "wide", "json", "yaml", "name"]) {
    expect((await run(["get", ...there, "-o", format])).stdout, format).toContain("walk");
  }
  await run(["describe", "walk", ...there]);
  await run(["history", "walk", ...there]);
  expect((await run(["predict", "walk", ...there, "-d", "1"])).json()).toMatchObject({ text: "one" });
  expect((await run(["logs", "walk", ...there])).stdout).toContain("it begins");
  expect((await run(["exec", "walk", ...there, "--", "echo", "inside"])).stdout).toBe("inside\n");
  await run(["exec", "walk", ...there, "--", "sh", "-c", "exit 7"], 7);

  const forward = ["port-forward", "walk", ...there];
  const child = bench.start(forward);
  const [url] = (await once(child.stdout!.setEncoding("utf8"), "data")) as [string];
  const answer = await fetch(url.trim(), {
    method: "POST",
    body: "1",
    headers: { "content-type": "application/json" },
  });
  expect(await answer.json()).toMatchObject({ text: "one" });
  child.kill("SIGINT");
  await once(child, "close");
  note(forward);
  await run(["delete", "walk", ...there, "-f"]);
  expect((await run(["get", ...there, "-o", "json"])).json()).toEqual([]);
}
