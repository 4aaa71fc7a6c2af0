import { describe, expect, test } from "vitest";
import { replicaCap } from "../../../src/environments/local/capacity.ts";
import { namedPort } from "../../../src/environments/local/gateway-port.ts";
import { isNewer } from "../../../src/environments/local/is-newer.ts";
import type { RealtimeApi } from "../../../src/spec/api.ts";

describe("room for replicas", () => {
  const api = (cpu_millis: number | null, mem_bytes: number | null, min = 1) =>
    ({ compute: { cpu_millis, mem_bytes }, autoscaling: { min_replicas: min, max_replicas: 100 } }) as RealtimeApi;
  const machine = { cores: 4, memoryBytes: 10 * 2 ** 30 };

  test("goes by cores, and by four fifths of the memory", () => {
    expect(replicaCap(api(200, null), machine)).toBe(20);
    expect(replicaCap(api(null, null), machine)).toBe(4);
    expect(replicaCap(api(200, 2 ** 30), machine)).toBe(8);
  });

  test("is one at least, min_replicas at least, max_replicas at most", () => {
    expect(replicaCap(api(64_000, 2 ** 40), machine)).toBe(1);
    expect(replicaCap(api(4_000, null, 3), machine)).toBe(3);
    expect(replicaCap(api(1, null), machine)).toBe(100);
  });
});

test.each([
  ["1.2.0", "a", "1.1.9", "b", true],
  ["1.2.0", "a", "1.2.0", "a", false],
  ["1.2.0", "a", "1.2.0", "b", true],
  ["1.2.0", "a", "1.10.0", "b", false],
])("version %s (%s) takes the place of %s (%s): %s", (version, build, runningVersion, runningBuild, expected) => {
  expect(isNewer({ version, build }, { version: runningVersion, build: runningBuild })).toBe(expected);
});

describe("CORTEX_LOCAL_PORT", () => {
  test("is a port or nothing", () => {
    expect(namedPort({ CORTEX_LOCAL_PORT: "9000" })).toBe(9000);
    expect(namedPort({})).toBeUndefined();
    expect(namedPort({ CORTEX_LOCAL_PORT: "" })).toBeUndefined();
  });

  test.each(["http", "0", "65536", "80.5"])("%s is refused", (text) => {
    expect(() => namedPort({ CORTEX_LOCAL_PORT: text })).toThrow(expect.objectContaining({ code: "USAGE" }));
  });
});
