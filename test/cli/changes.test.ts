import { describe, expect, test } from "vitest";
import { chooseRevision } from "../../src/cli/rollback.ts";
import { FakeEnvironment } from "./support/fake-environment.ts";
import { expectGolden } from "./support/golden.ts";
import { runCommand } from "./support/run-command.ts";
import { apiState, failingState, revision, splitterState } from "./support/states.ts";

describe("rollback", () => {
  const environment = () => new FakeEnvironment({ states: [apiState()] });

  test("asks a person, naming the API, both revisions and the environment", async () => {
    const asked = environment();
    const ran = await runCommand(["rollback", "iris"], { environment: asked, isTerminal: true, answers: ["n"] });
    expect(ran.stderr).toContain("roll iris back from revision 3 to 2 in local? (y/n) ");
    expect(ran.status).toBe(130);
    expect(asked.calls).toEqual([]);
  });

  test("with -y rolls back at once", async () => {
    const given = environment();
    await expectGolden("rollback", await runCommand(["rollback", "iris", "1", "-y"], { environment: given }));
    expect(given.calls).toEqual([
      { rollBack: "iris", revision: 1, force: false, createdBy: "ada@laptop", timeoutMs: 900_000 },
    ]);
  });

  test("in a pipe without -y names the flag", async () => {
    const ran = await runCommand(["rollback", "iris"], { environment: environment() });
    expect(ran.status).toBe(2);
    expect(ran.stderr).toContain("add -y");
  });

  test("to a revision that is not kept ends with 4 and lists those that are", async () => {
    const ran = await runCommand(["rollback", "iris", "9", "-y"], { environment: environment() });
    expect(ran.status).toBe(4);
    expect(ran.stderr).toContain("kept are 3, 2, 1");
  });

  test("without a number chooses what serves when the wanted revision failed", () => {
    expect(chooseRevision([revision(4), revision(3)], failingState(), undefined)).toBe(3);
  });

  test("without a number passes over revisions of the same content", () => {
    const same = { id: revision(3).id };
    expect(chooseRevision([revision(3), revision(2, same), revision(1)], apiState(), undefined)).toBe(1);
  });

  test("without an older revision says that there is none", () => {
    expect(() => chooseRevision([revision(3)], apiState(), undefined)).toThrow("no older revision");
  });
});

describe("refresh", () => {
  test("replaces the replicas and shows it", async () => {
    const environment = new FakeEnvironment({ states: [apiState()] });
    await expectGolden("refresh", await runCommand(["refresh", "iris", "-f"], { environment }));
    expect(environment.calls).toEqual([{ refresh: "iris", force: true, timeoutMs: 900_000 }]);
  });

  test("prints Cortex 0.42's object under -o json", async () => {
    const environment = new FakeEnvironment({ states: [apiState()] });
    const ran = await runCommand(["refresh", "iris", "-o", "json"], { environment });
    expect(JSON.parse(ran.stdout)).toEqual({ message: "refreshing iris" });
  });
});

describe("delete", () => {
  const many = (ready = 3) => new FakeEnvironment({ states: [apiState("iris", { ready }), apiState("digits")] });

  test("deletes what few replicas serve without a question", async () => {
    const environment = many(2);
    expect(await runCommand(["delete", "iris"], { environment })).toEqual({
      status: 0,
      stdout: "deleting iris\n",
      stderr: "",
    });
    expect(environment.calls).toEqual([{ remove: "iris", keepCache: false }]);
  });

  test("asks when more than two replicas are live, and -f answers", async () => {
    const refused = many();
    const ran = await runCommand(["delete", "iris"], { environment: refused, isTerminal: true, answers: ["n"] });
    expect(ran.stderr).toContain("delete iris in local, with 3 live replicas? (y/n) ");
    expect(refused.calls).toEqual([]);
    expect(await runCommand(["delete", "iris", "-f"], { environment: many() })).toMatchObject({ status: 0 });
    expect((await runCommand(["delete", "iris"], { environment: many() })).stderr).toContain("add -f");
  });

  test("--all asks however few there are, and deletes them all", async () => {
    const environment = many(1);
    const ran = await runCommand(["delete", "--all"], { environment, isTerminal: true, answers: ["yes"] });
    expect(ran.stderr).toContain("delete iris, digits in local, with 2 live replicas?");
    expect(environment.calls).toHaveLength(2);
  });

  test("takes a splitter before its APIs, and leaves those that one still needs: exit status 6", async () => {
    const split = () => new FakeEnvironment({ states: [apiState(), failingState(), splitterState()] });
    const both = split();
    expect((await runCommand(["delete", "iris", "digits", "split", "-f"], { environment: both })).status).toBe(0);
    expect(both.calls.map((call) => (call as { remove: string }).remove)).toEqual(["split", "iris", "digits"]);
    const one = split();
    const ran = await runCommand(["delete", "iris", "-o", "json"], { environment: one });
    expect(ran.status).toBe(6);
    expect(JSON.parse(ran.stdout)).toMatchObject({ api: "iris", error_code: "CONFLICT" });
    expect(ran.stderr).toContain("iris is in use: the TrafficSplitter split sends requests to it");
    expect(one.calls).toEqual([]);
  });

  test("of several names deletes those that are there, so that one that was cut short can be run again", async () => {
    const environment = many();
    const ran = await runCommand(["delete", "nobody", "digits", "-f"], { environment });
    expect(ran).toMatchObject({ status: 4, stdout: "deleting digits\n" });
    expect(ran.stderr).toContain("nobody is not deployed in the environment local");
    expect(environment.calls).toHaveLength(1);
  });

  test("of names that are all not there says so in one document", async () => {
    const environment = many();
    const ran = await runCommand(["delete", "nobody", "nothing", "-o", "json"], { environment });
    expect(ran.status).toBe(4);
    expect(JSON.parse(ran.stdout)).toMatchObject({ error: { code: "API_NOT_FOUND" } });
    expect(environment.calls).toEqual([]);
  });

  test("passes on -c, and prints an object under -o json", async () => {
    const environment = many();
    const ran = await runCommand(["delete", "digits", "-c", "-o", "json"], { environment });
    expect(JSON.parse(ran.stdout)).toEqual({ api: "digits", message: "deleting digits" });
    expect(environment.calls).toEqual([{ remove: "digits", keepCache: true }]);
  });
});
