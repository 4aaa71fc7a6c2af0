import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { speaking, spec, splitter } from "../../conformance/handlers.ts";
import type { Walker } from "../support/walker.ts";

const stateFormats = ["pretty", "wide", "json", "yaml", "name"];

/** An API on this machine, from its first deploy to its end. */
export async function walkLocally({ run, bench }: Walker): Promise<void> {
  const cwd = await bench.project({
    "cortex.yaml": spec("walk") + splitter("split", { walk: 100 }),
    "handler.py": speaking("one"),
    "sample.json": '{"x": 1}',
  });
  const here = { cwd };
  expect((await run(["get"])).stderr).toContain("no apis are deployed");
  expect((await run(["deploy", "--dry-run"], 0, here)).stdout).toContain("walk");
  await run(["diff"], 1, here);
  expect((await run(["deploy"], 0, here)).stdout).toContain(`http://localhost:${bench.port}/walk`);
  await run(["diff"], 0, here);
  expect((await run(["deploy", "-o", "json"], 0, here)).json()).toHaveLength(2);

  for (const format of stateFormats) {
    expect((await run(["get", "-o", format])).stdout, format).toContain("walk");
    expect((await run(["get", "split", "-o", format])).stdout, format).toContain("split");
  }
  expect((await run(["get", "walk", "-v"])).stdout).toContain("handler.py");
  expect((await run(["get", "-A", "-o", "json"])).json()).toMatchObject([{ env_name: "local" }]);
  for (const format of ["pretty", "json", "yaml"]) {
    expect((await run(["describe", "walk", "-o", format])).stdout, format).toContain("walk");
    expect((await run(["history", "walk", "-o", format])).stdout, format).toContain("1");
  }
  const answer = await run(["predict", "walk", join(cwd, "sample.json")]);
  expect(answer.json()).toMatchObject({ text: "one", payload: { x: 1 } });
  expect((await run(["predict", "split", "-d", "[]"])).json()).toMatchObject({ text: "one" });
  expect((await run(["logs", "walk", "--grep", "POST"])).stdout).toContain("POST");
  const lines = (await run(["logs", "walk", "-n", "1", "-o", "json"])).stdout.trim().split("\n");
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([{ api: "walk" }]);

  await writeFile(join(cwd, "handler.py"), speaking("two"));
  expect((await run(["deploy", "-q"], 0, here)).stdout.trim()).toMatch(/^http:\S+walk\nhttp:\S+split$/);
  expect((await run(["predict", "walk", "-d", "1"])).json()).toMatchObject({ text: "two" });
  await run(["refresh", "walk"]);
  await run(["rollback", "walk", "-y"]);
  expect((await run(["predict", "walk", "-d", "1"])).json()).toMatchObject({ text: "one" });
  expect((await run(["history", "walk", "-o", "json"])).json()).toHaveLength(3);
  // That is for clusters: here replicas are processes of one's own.
  await run(["exec", "walk", "--", "true"], 2);
  await run(["port-forward", "walk"], 2);
  await run(["delete", "split", "-f"]);
  expect((await run(["delete", "--all", "-f", "-o", "json"])).stdout).toContain("walk");
  expect((await run(["get", "-o", "json"])).json()).toEqual([]);
}

/** Of the same, the least that has to do with an agent, Python and each part of an executable: for a program that is slow. */
export async function walkShortly({ run, bench }: Walker): Promise<void> {
  const cwd = await bench.project({ "cortex.yaml": spec("walk"), "handler.py": speaking("one") });
  expect((await run(["--version"])).stdout).toMatch(/^cortex \d+\.\d+\.\d+/);
  expect((await run(["version", "-o", "json"])).stdout).toContain('"linux-arm64"');
  expect((await run(["deploy"], 0, { cwd })).stdout).toContain(`http://localhost:${bench.port}/walk`);
  expect((await run(["get", "-o", "name"])).stdout).toBe("walk\n");
  expect((await run(["predict", "walk", "-d", "1"])).json()).toMatchObject({ text: "one" });
  expect((await run(["logs", "walk", "--grep", "POST"])).stdout).toContain("POST");
  await run(["delete", "walk", "-f"]);
}

/** What is no success ends with the status that says how, and under `-o json` with one document. */
export async function walkAstray({ run, bench }: Walker): Promise<void> {
  const cwd = await bench.project({
    "cortex.yaml": spec("lost", "  autoscaling: {min_replicas: 3, max_replicas: 2}\n"),
    "handler.py": speaking("one"),
    "broken/cortex.yaml": spec("broken"),
    "broken/handler.py": "import nothing_of_that_name\n",
  });
  expect((await run(["deploy"], 2, { cwd })).stderr).toContain("cortex.yaml:");
  expect((await run(["deploy", "nowhere"], 4, { cwd })).stderr).toContain("nowhere");
  const failed = await run(["deploy", "broken"], 1, { cwd });
  expect(failed.stdout + failed.stderr).toContain("nothing_of_that_name");
  await run(["delete", "broken", "-f"]);
  const absent = await run(["get", "nobody", "-o", "json"], 4);
  expect(absent.json()).toMatchObject({ error: { code: "API_NOT_FOUND" } });
  expect((await run(["gte"], 2)).stderr).toContain("did you mean `cortex get`?");
  await run(["deploy", "--what"], 2);
  await run(["get", "-e", "nowhere"], 4);
}
