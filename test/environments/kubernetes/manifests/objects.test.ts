import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { type ObjectsInput, objectsOf } from "../../../../src/environments/kubernetes/manifests/objects.ts";
import { everyKind, features, inputOf } from "./support/revision.ts";

const golden = join(import.meta.dirname, "../../../golden/kubernetes");
const apis = await everyKind();
const named = (name: string) => apis.find((one) => one.name === name)!;

/** As YAML; Envoy's configuration, one long line for a machine, is opened for the reader. */
function shown(input: ObjectsInput): string {
  const { objects, notices } = objectsOf(input);
  const readable = JSON.parse(JSON.stringify(objects), (_, value: unknown) =>
    typeof value === "string" && value.startsWith('{"node":') ? JSON.parse(value) : value,
  ) as unknown[];
  const comment = notices.map((notice) => `# ${notice}\n`).join("");
  return (
    comment + readable.map((one) => `---\n${stringify(one, { lineWidth: 0, aliasDuplicateObjects: false })}`).join("")
  );
}

describe("the objects of", () => {
  test.for([
    ["handler", inputOf(named("iris"))],
    ["containers", inputOf(named("everything"), { hasPullSecret: true, refreshedAt: "2026-02-03T04:05:06Z" })],
    ["splitter", inputOf(named("split"))],
    [
      "without-add-ons",
      inputOf(named("everything"), {
        features: {
          minorVersion: 29,
          gateway: undefined,
          hasKeda: false,
          prometheusUrl: undefined,
          hasPodMonitor: false,
        },
        hasVariables: false,
        replicas: 1,
      }),
    ],
    [
      "unavailable",
      inputOf(named("fixed"), {
        features: { ...features, hasPodMonitor: true },
        replicas: 0,
        unavailable: {
          code: "rollout_failed",
          message: "the container ended with 100% of its memory used",
          retryAfterS: 9.5,
        },
      }),
    ],
  ] as const)("%s are these", async ([name, input]) => {
    await expect(shown(input)).toMatchFileSnapshot(join(golden, `${name}.golden.yaml`));
  });
});

test("another Gateway than Envoy's gets nothing of Envoy Gateway's own kinds", () => {
  const gateway = { namespace: "ingress", name: "public", isEnvoyGateway: false };
  for (const unavailable of [undefined, { code: "x", message: "y", retryAfterS: 1 }]) {
    const input = inputOf(named("fixed"), { features: { ...features, gateway }, ...(unavailable && { unavailable }) });
    const { objects } = objectsOf(input);
    expect(objects.map(({ apiVersion }) => apiVersion).filter((one) => one.includes("envoyproxy"))).toEqual([]);
    expect(objects.map(({ kind }) => kind)).toContain("HTTPRoute");
  }
});

test("a revision without an owner yet has no references, and one without a Gateway no route", () => {
  const { objects, notices } = objectsOf(
    inputOf(named("split"), { owner: undefined, features: { ...features, gateway: undefined } }),
  );
  expect(objects).toEqual([]);
  expect(notices.join()).toContain("no Gateway");
  const workload = objectsOf(inputOf(named("iris"), { owner: undefined })).objects;
  expect(workload.filter(({ metadata }) => metadata.ownerReferences)).toEqual([]);
});
