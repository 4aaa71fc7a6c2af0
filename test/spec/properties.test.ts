// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables are written so in the files under test
import fc from "fast-check";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { CortexError } from "../../src/core/errors.ts";
import { anyApi } from "./support/arbitrary-api.ts";
import { configOf } from "./support/config.ts";
import { parse } from "./support/parse.ts";

const anyApis = fc.uniqueArray(anyApi, {
  minLength: 1,
  maxLength: 3,
  comparator: (a, b) => a.name === b.name || a.networking.endpoint === b.networking.endpoint,
});

test("what is written out as YAML is read back as it was, without a warning", async () => {
  await fc.assert(
    fc.asyncProperty(anyApis, async (apis) => {
      const { apis: read, warnings } = await parse(stringify(apis.map(configOf)));
      expect(read).toEqual(apis);
      expect(warnings.filter(({ message }) => !message.includes("older releases read it as"))).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

test("JSON is read as YAML is", async () => {
  await fc.assert(
    fc.asyncProperty(anyApis, async (apis) => {
      expect((await parse(JSON.stringify(apis.map(configOf)))).apis).toEqual(apis);
    }),
    { numRuns: 30 },
  );
});

/** Either what was read, or a refusal in which every problem has a place in the file. Anything else is a bug. */
async function isReadOrRefused(text: string | Uint8Array): Promise<void> {
  try {
    expect((await parse(text)).apis.length).toBeGreaterThan(0);
  } catch (error) {
    if (!(error instanceof CortexError)) throw error;
    expect(error.code).toBe("SPEC_INVALID");
    expect(error.problems.length).toBeGreaterThan(0);
    const lines = typeof text === "string" ? text.split("\n").length : Number.POSITIVE_INFINITY;
    for (const { message, at } of error.problems) {
      expect(message).not.toBe("");
      expect(at?.line).toBeGreaterThanOrEqual(1);
      expect(at?.line).toBeLessThanOrEqual(lines);
      expect(at?.column).toBeGreaterThanOrEqual(1);
    }
  }
}

test("any text is read or refused with places", async () => {
  const pieces = fc.constantFrom(
    ..."- name: |iris|\n|  |handler:| {path: h.py}|kind: |TrafficSplitter|apis:|&a |*a|<<: |${X}|${X:-1}|'|\"|[|]|{|}|: |#|\t|!!str |!x |? |---\n|0x1|null|~|yes|%|@|`|>\n|predictor:|compute: |cpu: |mem: |pod: |containers: |autoscaling: |min_replicas: |0|-1|1e9|\u0000|\uFEFF|\uFDD0|é|💥".split(
      "|",
    ),
    "|",
  );
  const anyText = fc.oneof(
    fc.string(),
    fc.string({ unit: "binary" }),
    fc.array(pieces, { maxLength: 40 }).map((all) => all.join("")),
  );
  await fc.assert(fc.asyncProperty(anyText, isReadOrRefused), { numRuns: 300 });
});

test("any bytes are read or refused with places", async () => {
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), isReadOrRefused), { numRuns: 120 });
});

test("any JSON is read or refused with places", async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue({ maxDepth: 6 }), (value) => isReadOrRefused(JSON.stringify(value))),
    { numRuns: 120 },
  );
});

test("a good file with one damaged place is read or refused with places", async () => {
  const damaged = fc
    .tuple(anyApi, fc.nat(), fc.string({ maxLength: 3 }), fc.nat({ max: 5 }))
    .map(([api, at, text, cut]) => {
      const good = stringify([configOf(api)]);
      const place = at % (good.length + 1);
      return good.slice(0, place) + text + good.slice(place + cut);
    });
  await fc.assert(fc.asyncProperty(damaged, isReadOrRefused), { numRuns: 120 });
});

test("a variable's value never becomes structure", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary", maxLength: 40 }), async (value) => {
      const text = "- name: iris\n  handler: {path: h.py, env: {A: ${V}, B: b}, config: {a: ${V}, b: [${V}]}}\n";
      const { apis } = await parse(text, { variables: { V: value } });
      const [api] = apis;
      const handler = api && "handler" in api ? api.handler : undefined;
      expect(handler?.env).toEqual({ A: value, B: "b" });
      expect(typeof handler?.config.a).not.toBe(value === "" ? "undefined" : "object");
      expect(handler?.config.b).toEqual([handler?.config.a]);
    }),
  );
});
