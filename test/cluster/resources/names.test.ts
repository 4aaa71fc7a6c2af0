import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clusterOfBucket, namesOf } from "../../../src/cluster/resources/names.ts";

const cortex = { clusterName: "cortex", accountId: "123456789012", region: "us-east-1" };
const clusterName = fc.stringMatching(/^[a-z0-9][-a-z0-9]{1,52}[a-z0-9]$/);

describe("names of what belongs to a cluster", () => {
  test("begin with the cluster's", () => {
    const names = namesOf(cortex);
    expect(names.bucket).toMatch(/^cortex-[0-9a-f]{8}$/);
    expect(names.repository).toBe("cortex/cortex");
    expect(names.logGroups).toEqual({ containers: "/cortex/cortex", controlPlane: "/aws/eks/cortex/cluster" });
    expect(names.role("nodes")).toMatch(/^cortex-nodes-[0-9a-f]{6}$/);
    expect(names.launchTemplate("cpu")).toBe("cortex-cpu");
  });

  test("are the same every time, and differ between accounts and regions where AWS knows no borders", () => {
    const names = namesOf(cortex);
    expect(namesOf({ ...cortex }).bucket).toBe(names.bucket);
    expect(namesOf({ ...cortex, accountId: "210987654321" }).bucket).not.toBe(names.bucket);
    expect(namesOf({ ...cortex, region: "eu-west-1" }).bucket).not.toBe(names.bucket);
    expect(namesOf({ ...cortex, region: "eu-west-1" }).role("nodes")).not.toBe(names.role("nodes"));
  });

  test("are what AWS takes, whatever the cluster is called", () => {
    fc.assert(
      fc.property(clusterName, fc.constantFrom("nodes", "control-plane", "cluster-autoscaler"), (name, purpose) => {
        const names = namesOf({ ...cortex, clusterName: name });
        expect(names.bucket).toMatch(/^[a-z0-9][-a-z0-9]{1,61}[a-z0-9]$/);
        expect(names.repository).toMatch(/^[a-z0-9]+(?:[._-][a-z0-9]+)*\/cortex$/);
        const role = names.role(purpose);
        expect(role.length).toBeLessThanOrEqual(64);
        expect(role).toMatch(new RegExp(`^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?-${purpose}-[0-9a-f]{6}$`));
      }),
    );
  });

  test("tell whose a bucket is, and that any other is nobody's", () => {
    const { clusterName: name, ...place } = cortex;
    expect(clusterOfBucket(namesOf(cortex).bucket, place)).toBe(name);
    expect(clusterOfBucket(namesOf(cortex).bucket, { ...place, region: "eu-west-1" })).toBeUndefined();
    expect(clusterOfBucket("cortex-0a1b2c3d", place)).toBeUndefined();
    expect(clusterOfBucket("cortex", place)).toBeUndefined();
  });

  test("of repositories stay apart when dashes are taken out", () => {
    expect(namesOf({ ...cortex, clusterName: "a--b" }).repository).not.toBe(
      namesOf({ ...cortex, clusterName: "a-b" }).repository,
    );
  });
});
