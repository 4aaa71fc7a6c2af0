// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables are written so in the files under test
import { describe, expect, test } from "vitest";
import { parseOne, problemsOf, realtime, refusalOf } from "./support/parse.ts";

const configOf = async (value: string, variables: Record<string, string>): Promise<unknown> => {
  const api = await parseOne(`- name: iris\n  handler:\n    path: h.py\n    config:\n      x: ${value}\n`, {
    variables,
  });
  return "handler" in api ? api.handler?.config.x : undefined;
};

test.each<[written: string, variables: Record<string, string>, meant: unknown]>([
  ["${A}", { A: "text" }, "text"],
  ["${A}", { A: "3" }, 3],
  ["${A}", { A: "true" }, true],
  ["${A}", { A: "0.5" }, 0.5],
  ["${A}", { A: "" }, null],
  ['"${A}"', { A: "3" }, "3"],
  ["'${A}'", { A: "true" }, "true"],
  ['"${A}"', { A: "" }, ""],
  ["a-${A}-b", { A: "x" }, "a-x-b"],
  ["1${A}", { A: "2" }, 12],
  ["${A}${B}", { A: "x", B: "y" }, "xy"],
  ["${A:-fallback}", {}, "fallback"],
  ["${A:-fallback}", { A: "" }, "fallback"],
  ["${A:-fallback}", { A: "set" }, "set"],
  ["${A:-}", {}, null],
  ["${A:-8}", {}, 8],
  ["${A:-a:-b}", {}, "a:-b"],
  ["$${A}", { A: "x" }, "${A}"],
  ["$A ${A} $", { A: "x" }, "$A x $"],
  ["|\n        ${A}\n        end", { A: "x" }, "x\nend\n"],
  ["${A}", { A: "[1, 2]" }, "[1, 2]"],
  ["${A}", { A: "{a: 1}" }, "{a: 1}"],
  ["${A}", { A: "x\ny: z" }, "x\ny: z"],
  ["${A}", { A: "*alias" }, "*alias"],
  ["${A}", { A: "# no comment" }, "# no comment"],
  ["${A}", { A: "${B}", B: "never" }, "${B}"],
  ["${A}", { A: "$&" }, "$&"],
  ["[${A}, b]", { A: "x, y" }, ["x, y", "b"]],
])("%s with %j is %j", async (written, variables, meant) => {
  expect(await configOf(written, variables)).toEqual(meant);
});

test("variables are filled in wherever a value stands", async () => {
  const variables = { NAME: "iris", MIN: "2", CPU: "500m", ENDPOINT: "team/iris" };
  const text =
    "- name: ${NAME}\n  handler: {path: h.py}\n  autoscaling: {min_replicas: ${MIN}}\n  compute: {cpu: ${CPU}}\n  networking: {endpoint: /${ENDPOINT}}\n";
  expect(await parseOne(text, { variables })).toMatchObject({
    name: "iris",
    autoscaling: { min_replicas: 2 },
    compute: { cpu_millis: 500 },
    networking: { endpoint: "/team/iris" },
  });
});

test("a quoted default may hold what YAML would take for structure", async () => {
  const api = await parseOne('- name: iris\n  handler: {path: "${DIR:-a, b}/h.py"}\n');
  expect(api).toMatchObject({ handler: { path: "a, b/h.py" } });
});

describe("a variable that is not set", () => {
  test("is one problem, with its place and what to do", async () => {
    const error = await refusalOf(realtime("autoscaling: {max_replicas: ${MAX}}"));
    expect(error).toMatchObject({
      message: "iris: autoscaling.max_replicas: the environment variable MAX is not set",
      at: { line: 4, column: 31 },
      hint: "set it, give it a default as in ${MAX:-value}, or write $${MAX} to keep the text as it is",
    });
  });

  test("is told for each value at once, without problems that follow from it", async () => {
    const text =
      "- name: ${A}\n  handler: {path: ${B}, env: {X: ${C}}, log_level: ${D}}\n  compute: {cpu: ${E}, mem: ${F}}\n  autoscaling: {window: ${G}}\n";
    expect(await problemsOf(text)).toEqual([
      "1:9: ${A}: name: the environment variable A is not set",
      "2:19: ${A}: handler.path: the environment variable B is not set",
      "2:34: ${A}: handler.env.X: the environment variable C is not set",
      "2:52: ${A}: handler.log_level: the environment variable D is not set",
      "3:18: ${A}: compute.cpu: the environment variable E is not set",
      "3:29: ${A}: compute.mem: the environment variable F is not set",
      "4:25: ${A}: autoscaling.window: the environment variable G is not set",
    ]);
  });

  test("is not taken from what every object has", async () => {
    expect(await problemsOf(realtime("node_groups: ['${constructor}']"))).toEqual([
      "4:17: iris: node_groups[0]: the environment variable constructor is not set",
    ]);
  });
});

test.each([
  ["${A", "${ is not closed by a }"],
  ["${}", "${} is not the name of a variable"],
  ["${A-b}", "${A-b} is not the name of a variable"],
  ["${1A}", "${1A} is not the name of a variable"],
  ["${A B}", "${A B} is not the name of a variable"],
])("%s is refused", async (written, cause) => {
  expect(await problemsOf(realtime(`node_groups: ["${written}"]`))).toEqual([`4:17: iris: node_groups[0]: ${cause}`]);
});

test("a variable that is set but empty is not taken for a number", async () => {
  expect(await problemsOf(realtime("autoscaling: {max_replicas: ${MAX}}"), { variables: { MAX: "" } })).toEqual([
    "4:17: iris: autoscaling.max_replicas: has no value; expected whole number",
  ]);
});

test("a long variable that is used often is refused", async () => {
  const values = Array(200).fill("${A}").join(", ");
  const variables = { A: "x".repeat(100_000) };
  expect(
    (await problemsOf(`- name: a\n  handler: {path: h.py, config: {a: [${values}]}}\n`, { variables })).join(),
  ).toContain("the file stands for more than 8388608 characters");
});
