// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables are written so in the files under test
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse as parseYaml } from "yaml";
import { configDocs } from "../../scripts/write-config-docs.ts";
import { apiSchema, clusterSchema } from "../../src/spec/json-schema.ts";
import { anyApi } from "./support/arbitrary-api.ts";
import { configOf } from "./support/config.ts";
import { misfits } from "./support/json-schema.ts";
import { parse, realtime } from "./support/parse.ts";

const docs = join(import.meta.dirname, "..", "..", "docs");

test.each([...configDocs()])(
  "docs/%s is what the definitions say (else: node scripts/write-config-docs.ts)",
  async (path, text) => {
    expect(await readFile(join(docs, path), "utf8")).toBe(text);
  },
);

test("the examples of the reference are read", async () => {
  const reference = await readFile(join(docs, "configuration.md"), "utf8");
  const [, example = ""] = /```yaml\n(- name: iris[\s\S]*?)```/.exec(reference) ?? [];
  expect((await parse(example)).apis).toHaveLength(1);
});

describe("the schema of cortex.yaml", () => {
  const schema = apiSchema();
  const misfitsOf = (text: string): readonly string[] => misfits(parseYaml(text), schema);

  test("takes whatever the parser reads", () => {
    fc.assert(
      fc.property(anyApi, (api) => {
        expect(misfits([configOf(api)], schema)).toEqual([]);
      }),
    );
  });

  test.each([
    realtime("autoscaling:", "compute: {cpu: null}"),
    realtime("autoscaling: {max_replicas: '${MAX:-3}', window: '${WINDOW}'}", "compute: {cpu: 0.5, mem: 1Gi}"),
    "- {name: iris, kind: RealtimeAPI, predictor: {type: python, path: p.py}, endpoint: /a, tracker: {}}",
    "- {name: iris, handler: {path: p.py, shm_size: 64Mi}, autoscaling: {max_replica_concurrency: 4}}",
  ])("takes %j", (text) => {
    expect(misfitsOf(text)).toEqual([]);
  });

  test.each([
    ["[]", "$: has too few items"],
    [realtime("autoscaling: {max_replica: 1}"), "$[0].autoscaling.max_replica: is not known"],
    [realtime("autoscaling: {max_replicas: 0}"), "$[0].autoscaling.max_replicas: is below 1"],
    [realtime("autoscaling: {max_replicas: many}"), "$[0].autoscaling.max_replicas: is not integer"],
    [realtime("autoscaling: {window: 60}"), "$[0].autoscaling.window: is not string"],
    ["- {handler: {path: h.py}}", "$[0].name: is missing"],
    ["- {name: Iris, handler: {path: h.py}}", "$[0].name: does not match"],
    ["- {name: a, kind: Nothing}", "$[0].kind: is not in the list"],
    ["- {name: a, kind: TaskAPI, autoscaling: {}}", "$[0].autoscaling: is not known"],
  ])("refuses %j", (text, misfit) => {
    expect(misfitsOf(text)).toContain(misfit);
  });
});

describe("the schema of cluster.yaml", () => {
  const misfitsOf = (text: string): readonly string[] => misfits(parseYaml(text), clusterSchema());

  test("takes a cluster", () => {
    expect(misfitsOf("region: us-east-1\nnode_groups: [{name: a, instance_type: m5.large, spot: true}]\n")).toEqual([]);
  });

  test("refuses what is missing and what is not known", () => {
    expect(misfitsOf("regoin: us-east-1\nnode_groups: [{name: a}]\n")).toEqual([
      "$.regoin: is not known",
      "$.node_groups[0].instance_type: is missing",
      "$.region: is missing",
    ]);
  });
});
