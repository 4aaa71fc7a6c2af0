import { expect, test } from "vitest";
import { checkAddon, checkControlPlane, checkVersion, sizeText } from "../../../src/cluster/people/check-cloud.ts";

const cluster = { name: "models", region: "us-east-1" };
const console = "https://us-east-1.console.aws.amazon.com/eks/clusters/models";

test("a control plane that is active and has no issues is well", () => {
  expect(checkControlPlane(cluster, { status: "ACTIVE", version: "1.34" })).toEqual({
    name: "control plane",
    status: "ok",
    message: "active, Kubernetes 1.34",
  });
});

test("a control plane says what ails it", () => {
  const health = { issues: [{ message: "subnet-1 is gone" }, { code: "KmsKeyNotFound" as const }] };
  expect(checkControlPlane(cluster, { status: "ACTIVE", health })).toMatchObject({
    status: "warn",
    message: "subnet-1 is gone; KmsKeyNotFound",
    fix: `see ${console}`,
  });
  expect(checkControlPlane(cluster, { status: "UPDATING" })).toMatchObject({
    status: "warn",
    message: "it is updating",
  });
  expect(checkControlPlane(cluster, { status: "FAILED", health })).toMatchObject({
    status: "fail",
    message: "it is failed: subnet-1 is gone; KmsKeyNotFound",
  });
});

test("an add-on says what ails it", () => {
  const addon = { addonName: "coredns", clusterName: "models", addonVersion: "v1.12.3-eksbuild.1" };
  expect(checkAddon({ ...addon, status: "ACTIVE" })).toEqual({
    name: "add-on coredns",
    status: "ok",
    message: "v1.12.3-eksbuild.1",
  });
  expect(checkAddon({ ...addon, status: "CREATING" })).toMatchObject({ status: "warn", message: "it is creating" });
  const health = { issues: [{ message: "no nodes" }] };
  expect(checkAddon({ ...addon, status: "DEGRADED", health })).toMatchObject({
    status: "fail",
    message: "it is degraded: no nodes",
    fix: "aws eks describe-addon --cluster-name models --addon-name coredns",
  });
});

test.each([
  ["2026-06-01", "ended on 2026-06-01"],
  ["2026-12-30", "ends on 2026-12-30"],
])("a version whose standard support ends on %s is worth a word", (date, words) => {
  const [check] = checkVersion(
    cluster,
    "1.33",
    { isExtended: false, standardUntil: Date.parse(date) },
    Date.parse("2026-11-26"),
  );
  expect(check).toMatchObject({
    name: "version",
    status: "warn",
    fix: "cortex cluster upgrade -n models -r us-east-1",
  });
  expect(check?.message).toContain(words);
});

test("a version that is supported for long is not", () => {
  expect(
    checkVersion(
      cluster,
      "1.34",
      { isExtended: false, standardUntil: Date.parse("2027-08-01") },
      Date.parse("2026-11-26"),
    ),
  ).toEqual([]);
  expect(checkVersion(cluster, "1.34", undefined, 0)).toEqual([]);
  expect(checkVersion(cluster, "1.34", { isExtended: false }, 0)).toEqual([]);
});

test("one instance is one", () => {
  expect([sizeText(1, 1, 5), sizeText(2, 1, 5)]).toEqual(["1 instance, of 1 to 5", "2 instances, of 1 to 5"]);
});
