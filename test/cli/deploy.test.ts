import { describe, expect, test } from "vitest";
import { CortexError } from "../../src/core/errors.ts";
import { FakeEnvironment, successfulRollout } from "./support/fake-environment.ts";
import { expectGolden } from "./support/golden.ts";
import { filesWith, runCommand } from "./support/run-command.ts";
import { apiState, now, realtimeApi, revision } from "./support/states.ts";

const fresh = () => new FakeEnvironment({ after: [apiState("iris", { revision: revision(1), serving: 1 })] });
const failure = new CortexError(
  "ROLLOUT_FAILED",
  "iris: replica iris-4-a ended in __init__: ValueError: no such weights",
  {
    details:
      'Traceback (most recent call last):\n  File "handler.py", line 5, in __init__\nValueError: no such weights',
    hint: "mend the handler, then deploy again",
  },
);
const failing = () =>
  new FakeEnvironment({
    states: [apiState()],
    rollout: [
      { type: "accepted", change: "updated", revision: 4 },
      { type: "replica", replica: "iris-4-a", phase: "loading", at: now - 1_000 },
      failure,
    ],
  });

/** @returns what a terminal shows in the end: lines that were drawn over are gone */
function settled(written: string): string {
  const lines: string[] = [""];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with a control character
  for (const [, count, code, text] of written.matchAll(/\u001b\[\??(\d*)([A-Za-z])|([^\u001b]+)/g)) {
    if (code === "A") lines.splice(lines.length - 1 - Number(count), Number.POSITIVE_INFINITY, "");
    const [first = "", ...rest] = (text ?? "").split("\n");
    lines.push(lines.pop() + first, ...rest);
  }
  return lines.join("\n");
}

describe("deploy", () => {
  test("in a pipe prints plain lines, the endpoint and what to do next", async () => {
    await expectGolden("deploy-pipe", await runCommand(["deploy"], { environment: fresh() }));
  });

  test("names the environment in what to do next where the command did", async () => {
    const { stderr } = await runCommand(["deploy", "-e", "prod"], { environment: fresh() });
    expect(stderr).toContain("cortex predict iris sample.json -e prod");
    expect(stderr).toContain("cortex logs iris -e prod -f");
    expect(stderr).toContain("cortex get iris -e prod");
  });

  test("on a terminal draws a line per replica, and leaves none of them behind", async () => {
    const ran = await runCommand(["deploy"], { environment: fresh(), isTerminal: true });
    expect(ran.stderr).toContain("\u001b[?25l");
    expect(ran.stderr).toContain("\u001b[?25hcortex predict");
    await expectGolden("deploy-terminal", { ...ran, stderr: settled(ran.stderr) });
  });

  test.for([
    ["deploy-json", ["deploy", "-o", "json"]],
    ["deploy-quiet", ["deploy", "-q"]],
    ["deploy-no-wait", ["deploy", "--no-wait"]],
    ["deploy-dry-run", ["deploy", "--dry-run"]],
    ["deploy-dry-run-json", ["deploy", "--dry-run", "-o", "json"]],
  ] as const)("prints %s", async ([name, args]) => {
    await expectGolden(name, await runCommand(args, { environment: fresh() }));
  });

  test("that fails prints the cause, the traceback and the hint, and that the previous revision serves", async () => {
    await expectGolden("deploy-failed", await runCommand(["deploy"], { environment: failing() }));
  });

  test("that fails is one JSON document under -o json, and ends with the status of the error", async () => {
    const ran = await runCommand(["deploy", "-o", "json"], { environment: failing() });
    expect(JSON.parse(ran.stdout)).toEqual([
      {
        api: null,
        message: "",
        error: failure.message,
        error_code: "ROLLOUT_FAILED",
        hint: failure.hint,
        details: failure.details,
      },
    ]);
    expect(ran.status).toBe(1);
    expect(ran.stderr).toContain("ValueError: no such weights");
  });

  test("ends with 5 when an API is not live in time, with 6 when another update is under way", async () => {
    for (const [code, status] of [
      ["TIMED_OUT", 5],
      ["CONFLICT", 6],
    ] as const) {
      const environment = new FakeEnvironment({ rollout: [new CortexError(code, "too bad")] });
      expect(await runCommand(["deploy"], { environment })).toMatchObject({ status });
    }
  });

  test("of what is live already says so, and rolls nothing out", async () => {
    const same = apiState("iris", { revision: revision(3, { id: "0123456789abcdef" }) });
    const environment = new FakeEnvironment({ states: [same] });
    const ran = await runCommand(["deploy"], { environment });
    expect(ran.stdout).toBe("iris is up to date\n");
    expect(environment.calls).toEqual([]);
  });

  test("passes on --force, --timeout and who deploys", async () => {
    const environment = fresh();
    await runCommand(["deploy", "--force", "--timeout", "1h30m"], { environment });
    expect(environment.calls).toEqual([
      { rollOut: "iris", force: true, timeoutMs: 5_400_000, createdBy: "ada@laptop" },
    ]);
  });

  test("asks what the project asks: a person may agree or not, -y agrees, a pipe is told the flag", async () => {
    const files = filesWith({ questions: async () => ["the project has 5,000 files; deploy it?"] });
    const ask = async (answers: readonly string[]) => {
      const environment = fresh();
      const ran = await runCommand(["deploy"], { environment, files, isTerminal: true, answers });
      return { ran, calls: environment.calls.length };
    };
    expect(await ask(["what?", "y"])).toMatchObject({ ran: { status: 0 }, calls: 1 });
    expect(await ask(["n"])).toMatchObject({ ran: { status: 130 }, calls: 0 });
    expect(await runCommand(["deploy", "-y"], { environment: fresh(), files })).toMatchObject({ status: 0 });
    const piped = await runCommand(["deploy"], { environment: fresh(), files });
    expect(piped.status).toBe(2);
    expect(piped.stderr).toContain("hint: add -y to agree beforehand");
  });

  test("that is interrupted says that the update goes on, and ends with 130", async () => {
    const environment = new FakeEnvironment({ rollout: [...successfulRollout.slice(0, 2), "hang"] });
    const ran = await runCommand(["deploy"], {
      environment,
      onWrite: ({ stderr }, interrupt) => stderr.includes("starting") && interrupt(),
    });
    expect(ran.status).toBe(130);
    expect(ran.stderr).toContain("error: interrupted; iris: the update goes on without this command");
  });

  test("shows warnings of the configuration with their place", async () => {
    const at = { file: "cortex.yaml", line: 2, column: 3, text: "  tracker: {}" };
    const files = filesWith({
      parse: async () => ({
        apis: [realtimeApi()],
        warnings: [{ message: "iris: tracker: is ignored", at, hint: "remove it" }],
        root: "/project",
        configFile: "/project/cortex.yaml",
      }),
    });
    const ran = await runCommand(["deploy", "-q"], { environment: fresh(), files });
    expect(ran.stderr).toBe(
      "warning: cortex.yaml:2:3: iris: tracker: is ignored\n  2 |   tracker: {}\n    |   ^\nhint: remove it\n",
    );
    expect(ran.stdout).toBe("http://localhost:8888/iris\n");
  });
});

describe("diff", () => {
  const changed = () => new FakeEnvironment({ states: [apiState("iris", { requested: 2 })] });

  test("prints what would change and ends with 1", async () => {
    await expectGolden("diff", await runCommand(["diff"], { environment: changed() }));
    await expectGolden("diff-json", await runCommand(["diff", "-o", "json"], { environment: changed() }));
  });

  test("ends with 0 when there is no difference, with 2 when the configuration is wrong", async () => {
    const same = apiState("iris", { revision: revision(3, { id: "0123456789abcdef" }) });
    expect(await runCommand(["diff"], { environment: new FakeEnvironment({ states: [same] }) })).toMatchObject({
      status: 0,
      stdout: "iris (RealtimeAPI): no difference\n",
    });
    const files = filesWith({
      parse: async () => {
        throw new CortexError("SPEC_INVALID", "bad");
      },
    });
    expect(await runCommand(["diff"], { files })).toMatchObject({ status: 2 });
  });
});
