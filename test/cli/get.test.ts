import { describe, expect, test } from "vitest";
import { FakeEnvironment } from "./support/fake-environment.ts";
import { expectGolden } from "./support/golden.ts";
import { runCommand } from "./support/run-command.ts";
import { apiState, clusterState, failingState, revision, splitterState } from "./support/states.ts";

const split = () => new FakeEnvironment({ states: [apiState(), splitterState(), failingState()] });
const two = () => new FakeEnvironment({ states: [apiState(), failingState()] });

describe("get", () => {
  test.for([
    ["get-terminal", ["get"], true],
    ["get-pipe", ["get"], false],
    ["get-wide", ["get", "-o", "wide"], true],
    ["get-json", ["get", "-o", "json"], false],
    ["get-yaml", ["get", "-o", "yaml"], false],
    ["get-name", ["get", "-o", "name"], false],
    ["get-all", ["get", "-A"], true],
    ["get-all-json", ["get", "-A", "-o", "json"], false],
    ["get-api-terminal", ["get", "iris"], true],
    ["get-api-verbose", ["get", "iris", "-v"], true],
    ["get-api-failing", ["get", "digits"], true],
    ["get-api-json", ["get", "iris", "-o", "json"], false],
  ] as const)("prints %s", async ([name, args, isTerminal]) => {
    await expectGolden(name, await runCommand(args, { environment: two(), isTerminal }));
  });

  test.for([
    ["get-splitter-terminal", ["get"], true],
    ["get-splitter-pipe", ["get", "-o", "wide"], false],
    ["get-splitter-api", ["get", "split", "-v"], true],
    ["get-splitter-json", ["get", "split", "-o", "json"], false],
    ["describe-splitter", ["describe", "split"], true],
  ] as const)("prints %s", async ([name, args, isTerminal]) => {
    await expectGolden(name, await runCommand(args, { environment: split(), isTerminal }));
  });

  test("of an API that only its cluster reaches prints no line to send a request from here", async () => {
    const environment = new FakeEnvironment({ states: [apiState("iris", { endpoint: "http://iris.models" })] });
    const { stdout } = await runCommand(["get", "iris"], { environment });
    expect(stdout).toContain("\nendpoint: http://iris.models (inside the cluster only)\n");
    expect(stdout).not.toContain("curl");
  });

  test("-w in a pipe writes each kind under its own header, again when it changes", async () => {
    const environment = new FakeEnvironment({
      watched: [[apiState(), splitterState()], [apiState("iris", { ready: 0 })]],
    });
    const ran = await runCommand(["get", "-w"], {
      environment,
      onWrite: ({ stdout }, interrupt) => stdout.includes("0/1") && interrupt(),
    });
    const names = ran.stdout.trimEnd().split("\n");
    expect(names.map((line) => line.split("\t")[1])).toEqual([
      "realtime api",
      "iris",
      "traffic splitter",
      "split",
      "realtime api",
      "iris",
    ]);
  });

  test("says on stderr that nothing is deployed; a pipe still gets the header", async () => {
    const empty = { environment: new FakeEnvironment() };
    const terminal = await runCommand(["get"], { ...empty, isTerminal: true });
    expect(terminal).toEqual({ status: 0, stdout: "", stderr: "no apis are deployed\n" });
    expect((await runCommand(["get"], empty)).stdout).toMatch(/^env\trealtime api\t/);
    expect(await runCommand(["get", "-o", "json"], empty)).toEqual({ status: 0, stdout: "[]\n", stderr: "" });
  });

  test("of an API that is not there ends with 4 and the nearest name", async () => {
    const ran = await runCommand(["get", "iri", "-o", "json"], { environment: two() });
    expect(ran.status).toBe(4);
    expect(JSON.parse(ran.stdout).error).toEqual({
      code: "API_NOT_FOUND",
      message: "iri is not deployed in the environment local",
      hint: "did you mean iris?",
    });
  });

  test("never shows what an environment variable holds", async () => {
    for (const args of [
      ["get", "-o", "json"],
      ["get", "-o", "yaml"],
      ["get", "iris", "-v"],
      ["describe", "iris", "-o", "json"],
    ]) {
      expect((await runCommand(args, { environment: two() })).stdout).not.toContain("secret-value");
    }
  });

  test("-w -o json writes one line per change", async () => {
    const environment = new FakeEnvironment({ watched: [[apiState()], [apiState(), failingState()]] });
    const ran = await runCommand(["get", "-w", "-o", "json"], {
      environment,
      onWrite: ({ stdout }, interrupt) => stdout.split("\n").length === 3 && interrupt(),
    });
    const lines = ran.stdout.trimEnd().split("\n");
    expect(lines.slice(0, 2).map((line) => JSON.parse(line).length)).toEqual([1, 2]);
    expect(ran.status).toBe(130);
  });

  test("-w in a pipe writes the rows that changed, under one header", async () => {
    const busier = apiState("iris", { requested: 2 });
    const environment = new FakeEnvironment({ watched: [[apiState()], [apiState()], [busier, failingState()]] });
    const ran = await runCommand(["get", "-w"], {
      environment,
      onWrite: ({ stdout }, interrupt) => stdout.includes("digits") && interrupt(),
    });
    const names = ran.stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.split("\t")[1]);
    expect(names).toEqual(["realtime api", "iris", "iris", "digits"]);
  });

  test("-w on a terminal clears the screen under a header with the command and the time", async () => {
    const ran = await runCommand(["get", "-w"], {
      environment: two(),
      isTerminal: true,
      onWrite: ({ stdout }, interrupt) => stdout.includes("digits") && interrupt(),
    });
    expect(ran.stdout).toContain("\u001b[2J");
    expect(ran.stdout).toMatch(/\$ cortex get -w {3}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n/);
    expect(ran.stderr).toBe("error: interrupted; nothing was changed\n");
  });
});

describe("describe", () => {
  test.for([
    ["describe-live", ["describe", "iris"]],
    ["describe-failing", ["describe", "digits"]],
    ["describe-json", ["describe", "digits", "-o", "json"]],
  ] as const)("prints %s", async ([name, args]) => {
    await expectGolden(name, await runCommand(args, { environment: two(), isTerminal: true }));
  });

  test.for([
    ["describe-cluster", ["describe", "iris"]],
    ["get-wide-cluster", ["get", "-o", "wide"]],
  ] as const)("prints %s: replicas as a cluster has them, without figures", async ([name, args]) => {
    const { metrics: _, ...state } = clusterState();
    await expectGolden(
      name,
      await runCommand(args, { environment: new FakeEnvironment({ states: [state] }), isTerminal: true }),
    );
  });
});

describe("history", () => {
  const environment = () =>
    new FakeEnvironment({
      states: [apiState()],
      history: [revision(3, { rollbackOf: 1 }), revision(2, { createdBy: "bob@ci" }), revision(1)],
    });

  test.for([
    ["history-terminal", ["history", "iris"], true],
    ["history-pipe", ["history", "iris"], false],
    ["history-json", ["history", "iris", "-o", "json"], false],
  ] as const)("prints %s", async ([name, args, isTerminal]) => {
    await expectGolden(name, await runCommand(args, { environment: environment(), isTerminal }));
  });
});
