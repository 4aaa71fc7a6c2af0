import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Check } from "../../../src/core/check.ts";
import { deployRights, type Right, rulesOf } from "../../../src/core/rights.ts";
import { checkCluster } from "../../../src/environments/kubernetes/doctor/check-cluster.ts";
import { rightsCheck } from "../../../src/environments/kubernetes/doctor/rights.ts";
import { connect } from "../../../src/kubernetes/connect.ts";
import { clusterTest, clusterVariables, scratchNamespace, writeKubeconfig } from "../../support/cluster.ts";
import { eventually } from "../../support/cortex.ts";
import { kubeconfigOf, setRole } from "./support/deployer.ts";

const { signal } = new AbortController();

describe("the table of rights", () => {
  test("names every verb of a kind once", () => {
    const all = deployRights.flatMap(({ group, resource, verbs }) =>
      verbs.map((verb) => `${verb} ${resource}.${group}`),
    );
    expect(all.filter((one, at) => all.indexOf(one) !== at)).toEqual([]);
  });

  test("becomes rules that allow exactly it", () => {
    const allowed = rulesOf(deployRights).flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}.${group}`)),
      ),
    );
    const wanted = deployRights.flatMap(({ group, resource, verbs }) =>
      verbs.map((verb) => `${verb} ${resource}.${group}`),
    );
    expect(allowed.toSorted()).toEqual(wanted.toSorted());
  });
});

test("rights that are missing are named one by one, or by what they are on when they are many", async () => {
  const namespace = "models";
  const missing = (right: Right) => right.verbs.map((verb) => ({ right, verb, namespace }));
  const services = deployRights.find(({ resource }) => resource === "services")!;
  const few = await rightsCheck(namespace, missing(services), 86);
  expect(few.message).toBe(
    `not allowed: ${services.verbs.map((verb) => `${verb} services`).join(", ")} (needed to ${services.purpose})`,
  );
  const many = await rightsCheck(namespace, deployRights.flatMap(missing), 86);
  expect(many.message).toMatch(/^\d+ of the 86 verbs that Cortex uses in models are not allowed, on configmaps, /);
  expect(many.fix).toContain("kind: Role");
});

clusterTest("the doctor of a cluster", () => {
  test("finds a user with exactly the printed rights in order, and names each rule that is taken away", {
    timeout: 600_000,
  }, async () => {
    await using scratch = await scratchNamespace("addons");
    const file = await kubeconfigOf(scratch.client, scratch.name);
    try {
      /** RBAC takes a moment to see a new Role: what the first looks say may be of the one before. */
      const finds = async (rights: readonly Right[], isAsWanted: (found: Check) => void) => {
        await setRole(scratch.client, scratch.name, rights);
        await eventually(async () => {
          const checks = await checkCluster(optionsFor(file, scratch.name), signal);
          isAsWanted(checks.find(({ name }) => name === "rights")!);
          return true;
        });
      };
      await finds(deployRights, ({ message }) => expect(message).not.toMatch(/not allowed:(?! list nodes)/));
      for (const gone of deployRights.filter((_, at) => at % 4 === 0)) {
        const group = gone.group === "" ? "" : `.${gone.group}`;
        const left = deployRights.filter((one) => one !== gone);
        await finds(left, ({ message, status, fix }) => {
          expect(message).toContain(`${gone.verbs[0]} ${gone.resource}${group}`);
          expect(status).toBe(gone.isOptional ? "warn" : "fail");
          expect(fix).toContain(`- ${gone.resource}`);
        });
      }
    } finally {
      await rm(file, { force: true });
    }
  });

  test("says what is wrong with a namespace that is not there, a registry that is down and an image that nobody has", async () => {
    const checks = await checkCluster(
      {
        name: "prod",
        namespace: "addons-nowhere",
        registry: "localhost:1/models",
        baseImage: "localhost:1/python:3.12",
        now: Date.now,
        connect: (until) => connect({ variables: clusterVariables }, until),
        checkPush: async (repository, until) =>
          (await import("../../../src/image/check-registry.ts")).checkPush(repository, {}, until),
        resolveImage: async (image, until) =>
          (await import("../../../src/image/check-registry.ts")).resolveImage(image, {}, until),
      },
      signal,
    );
    expect(statusOf(checks, "cluster")).toBe("ok");
    expect(statusOf(checks, "namespace")).toBe("fail");
    expect(statusOf(checks, "registry")).toBe("fail");
    expect(statusOf(checks, "base image")).toBe("fail");
    expect(checks.filter(({ status, fix }) => status !== "ok" && !fix)).toEqual([]);
  });

  test("of a server that is not there says that, and goes on with what this machine can tell", async () => {
    const folder = await mkdtemp(join(tmpdir(), "cortex-doctor-"));
    const file = join(folder, "config");
    await writeKubeconfig(file, { server: "https://127.0.0.1:1", user: { token: "x" } });
    const checks = await checkCluster(optionsFor(file, "default"), signal);
    expect(checks.map(({ name, status }) => [name, status])).toEqual([
      ["cluster", "fail"],
      ["registry", "warn"],
      ["base image", "ok"],
    ]);
    await rm(folder, { recursive: true });
  });
});

function optionsFor(kubeconfig: string, namespace: string) {
  return {
    name: "prod",
    namespace,
    baseImage: "python:3.12",
    now: Date.now,
    connect: (until: AbortSignal) => connect({ variables: { ...clusterVariables, KUBECONFIG: kubeconfig } }, until),
    checkPush: async () => {},
    resolveImage: async () => `sha256:${"0".repeat(64)}`,
  };
}

function statusOf(checks: readonly Check[], wanted: string): string | undefined {
  return checks.find(({ name }) => name === wanted)?.status;
}
