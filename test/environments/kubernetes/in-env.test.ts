import { expect, test } from "vitest";
import { conflictsWithLive } from "../../../src/core/plan.ts";
import { targetInUse } from "../../../src/core/splitters.ts";
import { choosePod } from "../../../src/environments/kubernetes/choose-pod.ts";
import { kubernetesEnvironment } from "../../../src/environments/kubernetes/kubernetes-environment.ts";
import { apiState, realtimeApi } from "../../cli/support/states.ts";
import { memoryClient } from "./support/memory-client.ts";

const { signal } = new AbortController();
const environment = (isDefault: boolean) =>
  kubernetesEnvironment({
    name: "production",
    isDefault,
    version: "1.0.0",
    now: Date.now,
    images: () => Promise.reject(new Error("not needed")),
    connect: async () => memoryClient(),
  });

test("commands to run next name the environment, unless they mean it anyway", () => {
  expect(environment(false).inEnv).toBe(" -e production");
  expect(environment(true).inEnv).toBe("");
});

test("what is told to run next is run in the same place", async () => {
  const inEnv = " -e production";
  const noPods = { list: async () => ({ items: [] }) } as never;
  await expect(choosePod(noPods, "models", "iris", { inEnv }, signal)).rejects.toMatchObject({
    hint: "`cortex describe iris -e production` shows why",
  });
  const sameName = { ...realtimeApi("iris"), kind: "BatchAPI" } as never;
  expect(conflictsWithLive([sameName], [apiState("iris")], inEnv)[0]?.hint).toBe(
    "delete it first: cortex delete iris -e production",
  );
  expect(targetInUse("iris", ["both"], inEnv).hint).toContain("cortex delete iris both -e production");
});
