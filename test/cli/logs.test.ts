import { expect, test } from "vitest";
import type { LogLine } from "../../src/core/environment.ts";
import { FakeEnvironment } from "./support/fake-environment.ts";
import { runCommand } from "./support/run-command.ts";
import { now } from "./support/states.ts";

const line = (text: string, replica = "iris-3-a"): LogLine => ({
  time: now,
  api: "iris",
  revision: 3,
  replica,
  stream: "stdout",
  text,
});
const environment = () => new FakeEnvironment({ lines: [line("loading"), line("ready", "iris-3-b")] });

test("logs in a pipe are a time, a replica and the text, with tabs between", async () => {
  const ran = await runCommand(["logs", "iris"], { environment: environment() });
  expect(ran.stdout).toBe("2026-11-23T14:00:00.000Z\tiris-3-a\tloading\n2026-11-23T14:00:00.000Z\tiris-3-b\tready\n");
});

test("logs -o json is one object per line", async () => {
  const ran = await runCommand(["logs", "iris", "-o", "json"], { environment: environment() });
  expect(
    ran.stdout
      .trimEnd()
      .split("\n")
      .map((text) => JSON.parse(text))[0],
  ).toEqual({
    ...line("loading"),
    time: "2026-11-23T14:00:00.000Z",
  });
});

test("logs on a terminal begin with the clock and the replica", async () => {
  const ran = await runCommand(["logs", "iris"], { environment: environment(), isTerminal: true });
  expect(ran.stdout).toMatch(/^\d\d:\d\d:\d\d iris-3-a loading\n/);
});

test("logs -f goes on until it is interrupted, with the last hundred lines before it", async () => {
  const followed = environment();
  const ran = await runCommand(["logs", "iris", "-f"], {
    environment: followed,
    onWrite: ({ stdout }, interrupt) => stdout.includes("ready") && interrupt(),
  });
  expect(ran.status).toBe(130);
  expect(followed.calls).toEqual([{ logs: "iris", follow: true, previous: false, tail: 100 }]);
});

test.for([
  [[], "iris: no replica has printed a line\n"],
  [["--previous"], "iris: no replica that is gone has left a line\n"],
  [["--grep", "err"], "iris: no line is what was asked for\n"],
  [["-o", "json"], ""],
] as const)("logs %j of nothing say so", async ([flags, said]) => {
  const ran = await runCommand(["logs", "iris", ...flags], { environment: new FakeEnvironment({ lines: [] }) });
  expect(ran).toMatchObject({ status: 0, stdout: "", stderr: said });
});

test("logs pass on what to look for", async () => {
  const asked = environment();
  const flags = ["--since", "10m", "-n", "5", "--grep", "err(or)?", "--replica", "iris-3-a", "--previous", "-y"];
  await runCommand(["logs", "iris", ...flags], { environment: asked });
  expect(asked.calls).toEqual([
    {
      logs: "iris",
      follow: false,
      previous: true,
      sinceMs: now - 600_000,
      tail: 5,
      grep: "err(or)?",
      replica: "iris-3-a",
    },
  ]);
});

test("logs --since takes a time as in RFC 3339", async () => {
  const asked = environment();
  await runCommand(["logs", "iris", "--since", "2026-11-23T13:30:00+01:00"], { environment: asked });
  expect(asked.calls).toMatchObject([{ sinceMs: Date.parse("2026-11-23T12:30:00Z") }]);
});

test("logs take the flags of older versions, and show all replicas", async () => {
  const ran = await runCommand(["logs", "iris", "-y", "--random-pod"], { environment: environment() });
  expect(ran.stdout.match(/iris-3-[ab]/g)).toEqual(["iris-3-a", "iris-3-b"]);
});
