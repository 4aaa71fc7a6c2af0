import { describe, expect, test } from "vitest";
import { parse, parseOne, problemsOf, refusalOf } from "./support/parse.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("a file that is not YAML, or not text, is refused where it goes wrong", () => {
  test.each<[what: string, text: string | Uint8Array, ...problems: string[]]>([
    ["an empty file", "", "1:1: the file describes no API"],
    ["comments alone", "# nothing yet\n", "1:1: the file describes no API"],
    ["an empty list", "[]", "1:1: the file describes no API"],
    ["a document that is empty", "---\n", "1:1: the file describes no API"],
    ["text", "hello", '1:1: expected a list of APIs, got the text "hello"'],
    ["a single map", "# iris\nname: iris\nhandler: {path: h.py}\n", "2:1: expected a list of APIs, got a single map"],
    ["a cluster", "cluster_name: c\nregion: us-east-1\n", "1:1: this describes a cluster, not APIs"],
    ["a tab as indentation", "- name: iris\n\thandler: {path: h.py}\n", "2:1: a tab stands in the indentation"],
    ["a tab behind spaces", "- name: iris\n  handler:\n  \tpath: h.py\n", "3:3: a tab stands in the indentation"],
    [
      "an open quote",
      '- name: "iris\n',
      "2:1: something is missing before this: a closing quote, a bracket, a colon or a `- `",
    ],
    ["a bracket that is not closed", "- name: [iris\n- name: b\n", "2:1: the indentation does not fit the lines above"],
    ["two values in a line", "- name: a: b\n", "1:9: a second `key: value` begins in the same line"],
    ["a reserved character", "- name: @iris\n", "1:9: a value cannot begin with this character"],
    [
      "wrong indentation",
      "- name: iris\n handler: {path: h.py}\n",
      "2:1: something is missing before this: a closing quote, a bracket, a colon or a `- `",
    ],
    [
      "a second document",
      "- {name: a, handler: {path: h.py}}\n---\n- {name: b, handler: {path: h.py}}\n",
      "3:1: a second YAML document begins here; a file holds one",
    ],
    [
      "a key twice",
      "- name: a\n  handler: {path: h.py}\n  name: b\n",
      "3:3: a: name: this key is set twice, first in line 1",
    ],
    [
      "a list as a key",
      "- name: a\n  handler: {path: h.py}\n  ? [x]\n  : 1\n",
      "3:5: a: a key must be a plain word, not a list, map or alias",
    ],
    [
      "an unknown tag",
      "- name: !secret iris\n  handler: {path: h.py}\n",
      "1:17: iris: name: the tag !secret has no meaning here",
    ],
    [
      "an alias without an anchor",
      "- name: *x\n  handler: {path: h.py}\n",
      "1:9: api 1: name: there is no anchor &x before this alias",
    ],
    [
      "an alias before its anchor",
      "- name: a\n  compute: *c\n  handler: &c {path: h.py}\n",
      "2:12: a: compute: there is no anchor &c before this alias",
    ],
    [
      "a number that cannot be kept",
      "- name: a\n  handler: {path: h.py, config: {id: 12345678901234567890}}\n",
      "2:38: a: handler.config.id: this number has more digits than can be kept exactly",
    ],
    ["a control character", "- name: a\u0007\n", "1:10: the file holds a control character (U+0007)"],
    [
      "Latin-1",
      Uint8Array.from([...utf8("- name: a\n  handler: {path: m"), 0xf6, ...utf8("del.py}\n")]),
      "2:20: the file is not UTF-8 here",
    ],
    ["UTF-16", Uint8Array.from([0xff, 0xfe, 0x2d, 0x00]), "1:1: the file is UTF-16"],
  ])("%s", async (_, text, ...problems) => {
    expect(await problemsOf(text)).toEqual(problems);
  });

  test("with one problem per line, not with what follows from it", async () => {
    expect(await problemsOf('- name: "a" b\n  handler: {path: h.py}\n- name: "c" d\n')).toEqual([
      "1:13: this does not belong here",
    ]);
  });
});

test("a single map is refused with how to write it", async () => {
  const error = await refusalOf("name: iris\nhandler: {path: h.py}\n");
  expect(error.hint).toBe("write `- name:` here, and indent the lines below it by two spaces");
});

test.each<[what: string, text: string | Uint8Array]>([
  ["a byte order mark", utf8("\uFEFF- {name: iris, handler: {path: handler.py}}\n")],
  ["a byte order mark in text", "\uFEFF- {name: iris, handler: {path: handler.py}}\n"],
  ["Windows line ends", "- name: iris\r\n  handler:\r\n    path: handler.py\r\n"],
  ["the start and end of a document", "---\n- {name: iris, handler: {path: handler.py}}\n...\n"],
  ["an empty document behind", "- {name: iris, handler: {path: handler.py}}\n---\n"],
  ["a directive", "%YAML 1.2\n---\n- {name: iris, handler: {path: handler.py}}\n"],
  ["JSON", '[{"name": "iris", "handler": {"path": "handler.py"}}]'],
  ["core tags", "- {name: !!str iris, handler: !!map {path: handler.py}}"],
])("%s is read", async (_, text) => {
  const { apis } = await parse(text);
  expect(apis).toMatchObject([{ name: "iris", handler: { path: "handler.py" } }]);
});

test("a line that ends as on Windows is shown without its end", async () => {
  const error = await refusalOf("- name: iris\r\n  handler: 3\r\n");
  expect(error.at).toEqual({ file: "cortex.yaml", line: 2, column: 12, text: "  handler: 3" });
});

describe("anchors", () => {
  test("and merge keys are followed; what is written out wins", async () => {
    const { apis } = await parse(`
- name: a
  handler: &handler {path: h.py, env: {A: 1}}
  autoscaling: &scaling
    min_replicas: 2
    max_replicas: 4
- name: b
  handler: *handler
  autoscaling:
    <<: *scaling
    max_replicas: 8
- name: c
  handler: {<<: [*handler], path: c.py}
`);
    expect(apis).toMatchObject([
      { autoscaling: { min_replicas: 2, max_replicas: 4 } },
      { handler: { path: "h.py", env: { A: "1" } }, autoscaling: { min_replicas: 2, max_replicas: 8 } },
      { handler: { path: "c.py", env: { A: "1" } } },
    ]);
  });

  test("of a name used again mean the last one before the alias", async () => {
    const api = await parseOne(
      "- name: a\n  handler: {path: h.py, config: {b: &b {x: &a 1}, a: &a 2, c: *b, d: *a}}\n",
    );
    expect(api).toMatchObject({ handler: { config: { c: { x: 1 }, d: 2 } } });
  });

  test("point at the text that is wrong, and name the field that takes it", async () => {
    expect(
      await problemsOf(
        "- name: a\n  handler: {path: h.py}\n  compute: &c\n    cpu: x\n- name: b\n  handler: {path: h.py}\n  compute: {<<: *c}\n",
      ),
    ).toEqual([
      '4:10: a: compute.cpu: "x" is not a valid amount of cpu',
      '4:10: b: compute.cpu: "x" is not a valid amount of cpu',
    ]);
  });

  test("that hold themselves are refused", async () => {
    expect(await problemsOf("- name: a\n  handler: {path: h.py, config: &c {c: *c}}\n")).toEqual([
      "2:40: a: handler.config.c: the anchor &c holds this alias of itself",
    ]);
  });

  test("that stand for millions of values are refused at once", async () => {
    const levels = Array.from(
      { length: 12 },
      (_, level) => `    l${level + 1}: &l${level + 1} [${Array(10).fill(`*l${level}`).join(", ")}]`,
    );
    const bomb = ["- name: a", "  handler: {path: h.py}", "  config:", "    l0: &l0 [x, x]", ...levels].join("\n");
    const startedAt = performance.now();
    const problems = await problemsOf(bomb);
    expect(problems.join()).toContain("the file stands for more than 100000 values");
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });

  test("that repeat a long text are refused", async () => {
    const text = `- name: a\n  handler: {path: h.py, config: {t: &t "${"x".repeat(100_000)}", all: [${Array(200).fill("*t").join(", ")}]}}\n`;
    expect((await problemsOf(text)).join()).toContain("the file stands for more than 8388608 characters");
  });
});

describe("hostile files are refused in bounded time", () => {
  test.each<[what: string, text: string, message: RegExp]>([
    ["a thousand brackets", "[".repeat(1000), /nested too deeply|does not fit/],
    ["many brackets", "[".repeat(50_000), /nested too deeply/],
    ["many dashes in a line", "- ".repeat(20_000), /nested/],
    [
      "deep maps",
      Array.from({ length: 200 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n"),
      /more than 64 levels deep/,
    ],
    ["many documents", "---\n".repeat(10_000), /describes no API/],
    ["too many bytes", `# ${"x".repeat(1024 * 1024)}`, /the file is too large: 1048578 bytes, at most 1048576/],
    ["a hundred thousand values", `[${"1,".repeat(100_001)}]`, /more than 100000 values/],
  ])("%s", async (_, text, message) => {
    expect((await problemsOf(text)).join()).toMatch(message);
  });
});

test("a line too long to be read is left out of the problem", async () => {
  const error = await refusalOf(
    `- name: iris # ${"x".repeat(500)}\n  handler: {path: h.py}\n  x: 1\n- name: ${"y".repeat(500)}\n`,
  );
  expect(error.problems.map(({ at }) => at?.text)).toEqual(["  x: 1", undefined, undefined]);
});
