import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runCommand } from "./support/run-command.ts";

describe("a command line that is wrong", () => {
  test("ends with 2 and names the nearest command", async () => {
    const ran = await runCommand(["deplyo"]);
    expect(ran).toEqual({
      status: 2,
      stdout: "",
      stderr: 'error: there is no command "deplyo"\nhint: did you mean `cortex deploy`?\n',
    });
  });

  test("ends with 2 and names the nearest flag", async () => {
    const ran = await runCommand(["get", "--watsh"]);
    expect(ran.status).toBe(2);
    expect(ran.stderr).toContain("did you mean --watch?");
  });

  test.for(["submit", "stop"])("%s is known and not built yet", async (name) => {
    const ran = await runCommand([name, "whatever", "--flag"]);
    expect(ran.status).toBe(2);
    expect(ran.stderr).toContain(`\`cortex ${name}\` is not built yet`);
  });

  test("a command of older versions says what does its work now", async () => {
    expect((await runCommand(["patch", "api.yaml"])).stderr).toContain("then `cortex deploy`");
  });

  test.for([
    [["logs"], "missing required argument 'api'"],
    [["env", "configure"], "hint: see `cortex env configure --help`"],
    [["get", "one", "two"], "too many arguments"],
    [["cluster", "bogus"], 'there is no command "cluster bogus"\nhint: `cortex cluster --help` lists its commands'],
    [["cluster", "dwon", "-n", "x"], "did you mean `cortex cluster down`?"],
    [["env", "lst"], "did you mean `cortex env list`?"],
    [["get", "-o", "xml"], "Allowed choices are pretty, wide, json, yaml, name"],
    [["deploy", "--timeout", "soon"], "Write a number and a unit"],
    [["logs", "iris", "--since", "yesterday"], "Write how long back"],
    [["logs", "iris", "--grep", "("], "--grep"],
    [["-e", "local", "get"], "there is no option -e before the command"],
    [["get", "-A", "-e", "local"], "cannot be used with"],
    [["get", "-w", "-o", "yaml"], "-w does not go with -o yaml"],
    [["delete"], "no API is named"],
    [["delete", "iris", "--all"], "names and --all were given"],
    [["predict", "iris"], "there is nothing to send"],
    [["predict", "iris", "file.json", "-d", "{}"], "a file and -d were given"],
    [["predict", "iris", "-d", "{bad"], "-d is no JSON"],
    [["predict", "iris", "-d", "{}", "-H", "nonsense"], "is no header"],
    [["rollback", "iris", "first"], "A revision is a number"],
    [["completion", "tcsh"], "Allowed choices are bash, zsh, fish, powershell"],
    [["env", "configure", "old", "-o", "https://operator"], "there are no operators any more"],
    [["env", "configure", "old", "-p", "aws", "-k", "id", "-r", "us-west-2"], "there are no operators any more, so -p"],
    [["env", "configure", "a b"], "cannot name an environment"],
    [["env", "configure", "local"], "local is this machine"],
  ] as const)("%j ends with 2", async ([args, cause]) => {
    const ran = await runCommand(args);
    expect(ran.stderr).toContain(cause);
    expect(ran).toMatchObject({ status: 2, stdout: "" });
  });

  test("a secret of an older environment is refused without being repeated", async () => {
    const ran = await runCommand(["env", "configure", "old", "-s", "hunter2"]);
    expect(ran.stderr).toContain("-s has nothing to point at");
    expect(ran.stderr).not.toContain("hunter2");
  });

  test("under -o json stdout holds one document, and stderr the same in words", async () => {
    const ran = await runCommand(["get", "--nonsense", "-o", "json"]);
    expect(JSON.parse(ran.stdout)).toEqual({
      error: { code: "USAGE", message: "unknown option '--nonsense'", hint: "see `cortex get --help`" },
    });
    expect(ran.stderr).toContain("error: unknown option '--nonsense'");
  });

  test("deploy -f before a file that exists says what -f means, and stops", async () => {
    const folder = await mkdtemp(join(tmpdir(), "cortex-cli-"));
    try {
      await writeFile(join(folder, "api.yaml"), "");
      const ran = await runCommand(["deploy", "-f", "api.yaml"], { workingFolder: folder });
      expect(ran.status).toBe(2);
      expect(ran.stderr).toContain('-f means --force here, and "api.yaml" is a file');
      expect((await runCommand(["deploy", "--force", "api.yaml"], { workingFolder: folder })).status).toBe(0);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
