import { execFile } from "node:child_process";
import { userInfo } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { cortexHome } from "../../src/platform/home.ts";

const file = resolve(import.meta.dirname, "../../src/platform/home.ts");

/** A process of its own: what it is told of HOME is only read when it starts. */
async function homeOf(variables: Readonly<Record<string, string>>): Promise<string> {
  const program = `import(${JSON.stringify(file)}).then(({ cortexHome }) => process.stdout.write(cortexHome(process.env)))`;
  const { stdout } = await promisify(execFile)(process.execPath, ["-e", program], { cwd: "/", env: variables });
  return stdout;
}

test("the home is where CORTEX_HOME says, else where older files say", () => {
  expect(cortexHome({ CORTEX_HOME: "/a", CORTEX_CLI_CONFIG_DIR: "/b" })).toBe(resolve("/a"));
  expect(cortexHome({ CORTEX_HOME: "", CORTEX_CLI_CONFIG_DIR: "/b" })).toBe(resolve("/b"));
});

test.runIf(process.platform !== "win32")("it is in the folder of the user, also where HOME names none", async () => {
  expect(await homeOf({ HOME: "/ada" })).toBe("/ada/.cortex");
  const own = join(userInfo().homedir, ".cortex");
  expect(await Promise.all([homeOf({}), homeOf({ HOME: "" }), homeOf({ HOME: "here" })])).toEqual([own, own, own]);
});
