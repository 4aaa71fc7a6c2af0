import { describe, expect, test } from "vitest";
import type { Project } from "../../../src/core/environment.ts";
import type { ClusterFeatures } from "../../../src/environments/kubernetes/features.ts";
import { clusterSuitability } from "../../../src/environments/kubernetes/suitability.ts";
import { withoutValues } from "../../../src/environments/kubernetes/variables.ts";
import type { Api } from "../../../src/spec/api.ts";
import { container, parseOne, realtime } from "../../spec/support/parse.ts";

const project = (...paths: readonly string[]): Project => ({
  root: "/project",
  digest: "d".repeat(64),
  files: paths.map((path) => ({ path, bytes: 1, executable: false, sha256: "" })),
  totalBytes: paths.length,
});

const features: ClusterFeatures = {
  minorVersion: 35,
  gateway: { namespace: "cortex-system", name: "cortex", isEnvoyGateway: true },
  hasKeda: true,
  prometheusUrl: "http://prometheus.monitoring:9090",
  hasPodMonitor: false,
};

function judged(api: Api, files = project("handler.py"), more: { registry?: string; features?: ClusterFeatures } = {}) {
  const { registry = "registry.example.com/models", features: has } = more;
  return clusterSuitability(api, files, { environment: "prod", registry, ...(has && { features: has }) });
}

describe("a cluster takes an API", () => {
  test("that has a handler, a registry, and nothing that would have to run while an image is made", async () => {
    const api = await parseOne(realtime());
    expect(judged(api, undefined, { features })).toEqual({ refusals: [], notices: [] });
  });

  test.for([
    ["dependencies.sh", /handler\.image/],
    ["conda-packages.txt", /requirements\.txt/],
  ] as const)("not with %s, and says what to do instead", async ([file, hint]) => {
    const { refusals } = judged(await parseOne(realtime()), project("handler.py", file));
    expect(refusals).toEqual([{ message: expect.stringContaining(file), hint: expect.stringMatching(hint) }]);
  });

  test("not without a registry, unless only images of others run", async () => {
    const options = { environment: "prod", registry: undefined };
    const { refusals } = clusterSuitability(await parseOne(realtime()), project("handler.py"), options);
    expect(refusals[0]?.hint).toContain("cortex env configure prod --registry");
    expect(clusterSuitability(await parseOne(container()), project(), options).refusals).toEqual([]);
  });

  test("not on a port of the proxy, and not when the handler's file is missing", async () => {
    const taken = await parseOne(container().replace("  pod:", "  pod:\n    port: 8500"));
    expect(judged(taken).refusals[0]?.message).toBe("pod.port: 8500 is taken by the proxy in front of it");
    expect(judged(await parseOne(realtime()), project("other.py")).refusals[0]?.message).toContain("handler.py");
  });

  test("and says what this cluster does otherwise", async () => {
    const api = await parseOne(realtime());
    const { notices } = judged(api, undefined, { features: { ...features, hasKeda: false, gateway: undefined } });
    expect(notices).toEqual([expect.stringContaining("no Gateway"), expect.stringContaining("follow CPU")]);
  });

  test("no TrafficSplitter where there is no Gateway", async () => {
    const splitter = await parseOne("- {name: s, kind: TrafficSplitter, apis: [{name: a, weight: 100}]}\n");
    expect(judged(splitter, undefined, { features }).refusals).toEqual([]);
    expect(judged(splitter, undefined, { features: { ...features, gateway: undefined } }).refusals).toHaveLength(1);
  });
});

test("what is kept of a spec has no value of a variable, and tells two values apart", async () => {
  const one = withoutValues(await parseOne(container("env: {TOKEN: secret-1}")));
  const two = withoutValues(await parseOne(container("env: {TOKEN: secret-2}")));
  expect(JSON.stringify(one)).not.toContain("secret-1");
  expect(one).not.toEqual(two);
});
