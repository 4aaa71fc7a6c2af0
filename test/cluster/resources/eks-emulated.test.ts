import { DetachRolePolicyCommand } from "@aws-sdk/client-iam";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startEmulator } from "../../aws/emulator.ts";
import { actions, eksCloud } from "./eks-cloud.ts";

const cpu = "node_groups: [{ name: cpu, instance_type: m5.large, min_instances: 1, max_instances: 3 }]\n";
/** Moto learns AWS's policies when it is asked for the first one. */
const slowMs = 120_000;

const eksCalls = [
  ...["Cluster", "Addon", "PodIdentityAssociation", "Nodegroup"].flatMap((name) => [
    `eks:Create${name}`,
    `eks:Delete${name}`,
  ]),
  ...["ClusterVersion", "Addon", "NodegroupVersion", "NodegroupConfig"].map((name) => `eks:Update${name}`),
];

let emulator: Awaited<ReturnType<typeof startEmulator>>;
beforeAll(async () => {
  emulator = await startEmulator();
}, slowMs);
afterAll(() => emulator[Symbol.asyncDispose]());

describe("what runs in a cluster's network", () => {
  test("is made once, and found again as it should be", { timeout: slowMs }, async () => {
    await using cloud = await eksCloud(emulator, { clusterName: "cycle" });
    const up = await cloud.up(cpu);
    expect(up.failures).toEqual([]);
    // The control plane, a node group and the add-ons that wait for it, one after the other.
    expect(up.tookMs / 60_000).toBeGreaterThan(12);
    expect(up.tookMs / 60_000).toBeLessThan(12.5);

    emulator.calls.clear();
    expect(actions(await cloud.plan(cpu))).toEqual({});
    expect(emulator.calls.all.filter(({ isRead }) => !isRead)).toEqual([]);
  });

  test("is removed, all of it", { timeout: slowMs }, async () => {
    await using cloud = await eksCloud(emulator, { clusterName: "cycle" });
    const down = await cloud.down();
    expect(down.failures).toEqual([]);
    expect(down.tookMs / 60_000).toBeLessThan(7);
    expect((await emulator.inventory.all()).filter(({ tags }) => tags["cortex.dev/cluster-name"] === "cycle")).toEqual(
      [],
    );
  });

  test("is changed as the file is, and put right where somebody changed it by hand", { timeout: slowMs }, async () => {
    await using cloud = await eksCloud(emulator, { clusterName: "changing" });
    expect((await cloud.up(cpu)).failures).toEqual([]);
    const { iam } = emulator.moto();
    const [role] = (await cloud.found()).get("role")!.filter(({ id }) => id === "role/nodes");
    const PolicyArn = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly";
    await iam.send(new DetachRolePolicyCommand({ RoleName: role!.label, PolicyArn }));
    const eks = await cloud.aws.eks();
    await eks.deleteAddon({ clusterName: "changing", addonName: "metrics-server" }, cloud.signal);
    await emulator.clock.sleep(60_000, cloud.signal);

    const file = `
node_groups:
  - { name: cpu, instance_type: m5.large, min_instances: 2, max_instances: 4, instance_volume_size: 80 }
  - { name: spot, instance_type: m5.large, spot: true, min_instances: 0 }
operator_load_balancer_cidr_white_list: [203.0.113.7/24]
tags: { team: blue }
`;
    const up = await cloud.up(file);
    expect(up.failures).toEqual([]);
    const changed = Object.fromEntries(
      up.plan.steps.map(({ id, differences }) => [id, differences.filter(({ field }) => !field.startsWith("tags."))]),
    );
    expect(changed["node-group/cpu"]).toEqual([
      { field: "node_groups.cpu.min_instances", from: "1", to: "2" },
      { field: "node_groups.cpu.max_instances", from: "3", to: "4" },
      { field: "node_groups.cpu.instance_volume_size", from: "50", to: "80" },
    ]);
    expect(changed["control-plane"]).toEqual([
      { field: "operator_load_balancer_cidr_white_list", from: "all", to: "203.0.113.0/24" },
    ]);
    expect(changed["role/nodes"]).toEqual([{ field: "iam_policy_arns", from: "", to: PolicyArn }]);
    expect(actions(up.plan)).toMatchObject({ "addon/metrics-server": "create", "node-group/spot": "create" });
    expect(actions(await cloud.plan(file))).toEqual({});

    const removed = await cloud.up(cpu);
    expect(removed.failures).toEqual([]);
    expect(actions(removed.plan)).toMatchObject({ "node-group/spot": "remove", "launch-template/spot": "remove" });
    // The autoscaler's number of instances is within the limits of today, so it stays.
    const { nodegroup } = await eks.describeNodegroup({ clusterName: "changing", nodegroupName: "cpu" }, cloud.signal);
    expect(nodegroup?.scalingConfig).toEqual({ minSize: 1, maxSize: 3, desiredSize: 2 });
  });

  test("is brought to the next version: control plane, add-ons, nodes", { timeout: slowMs }, async () => {
    await using cloud = await eksCloud(emulator, { clusterName: "upgraded" });
    expect((await cloud.up(cpu)).failures).toEqual([]);
    emulator.calls.clear();
    const upgrade = await cloud.upgrade();
    expect(upgrade.failures).toEqual([]);
    const order = emulator.calls.all
      .map(({ name }) => name)
      .filter((name) => /^eks:Update/.test(name))
      .filter((name, index, all) => name !== all[index - 1]);
    expect(order).toEqual(["eks:UpdateClusterVersion", "eks:UpdateAddon", "eks:UpdateNodegroupVersion"]);
    const found = await cloud.found();
    const versions = ["control-plane", "node-group"].flatMap((kind) =>
      found.get(kind)!.map(({ state }) => (state as { version: string }).version),
    );
    expect(versions).toEqual(["1.34", "1.34"]);
    await expect(cloud.planUpgrade("1.33")).rejects.toMatchObject({ code: "NOT_SUPPORTED" });
    await expect(cloud.plan(cpu)).rejects.toMatchObject({
      code: "NOT_SUPPORTED",
      message: "kubernetes_version is 1.34 and cannot become 1.33",
    });
  });
});

describe("bad luck", () => {
  test("a lost answer to the first call of each kind does nothing twice", { timeout: slowMs }, async () => {
    await using cloud = await eksCloud(emulator, { clusterName: "lost-answers" });
    using rules = new DisposableStack();
    const ops = ["iam:*Role*", "ec2:*LaunchTemplate*", ...eksCalls].map((op) => ({
      op,
      kind: "lostReply" as const,
      first: 1,
    }));
    for (const rule of ops) rules.use(emulator.faults.add(rule));
    expect((await cloud.up(cpu)).failures).toEqual([]);
    const found = await cloud.found();
    const kinds = ["control-plane", "launch-template", "node-group"];
    expect(kinds.map((kind) => found.get(kind)?.length)).toEqual([1, 1, 1]);
    expect(actions(await cloud.plan(cpu))).toEqual({});

    const largerDisk = cpu.replace("min_instances: 1", "min_instances: 2, instance_volume_size: 80");
    const configured = await cloud.up(largerDisk);
    expect(configured.failures).toEqual([]);
    // Nodes are exchanged once, in five minutes.
    expect(configured.tookMs / 60_000).toBeLessThan(7);
    expect(actions(await cloud.plan(largerDisk))).toEqual({});

    expect((await cloud.upgrade()).failures).toEqual([]);
    expect((await cloud.down()).failures).toEqual([]);
    const left = await emulator.inventory.all();
    expect(left.filter(({ tags }) => tags["cortex.dev/cluster-name"] === "lost-answers")).toEqual([]);
  });

  test("no room for instances is said soon, and the group is made again when there is some", {
    timeout: slowMs,
  }, async () => {
    await using cloud = await eksCloud(emulator, { clusterName: "no-room" });
    using _ = emulator.faults.add({ op: "eks:CreateNodegroup", kind: "capacity", first: 1 });
    const up = await cloud.up(cpu);
    expect(up.failures.map(({ id }) => id)).toEqual(["node-group/cpu"]);
    expect(up.failures[0]?.error).toMatchObject({ code: "NO_CAPACITY" });
    expect(up.failures[0]?.error.message).toContain("InsufficientInstanceCapacity");
    expect(up.tookMs / 60_000).toBeLessThan(12);
    const blocked = up.events.filter(({ phase }) => phase === "blocked").map(({ id }) => id);
    expect(blocked.toSorted()).toEqual(["addon/aws-ebs-csi-driver", "addon/coredns", "addon/metrics-server"]);
    await emulator.clock.sleep(5 * 60_000, cloud.signal);

    const again = await cloud.up(cpu);
    expect(actions(again.plan)).toMatchObject({ "node-group/cpu": "replace" });
    expect(again.failures).toEqual([]);
  });

  test("a zone without room for a control plane is left out", { timeout: slowMs }, async () => {
    await using cloud = await eksCloud(emulator, { clusterName: "full-zone" });
    using _ = emulator.faults.add({ op: "eks:CreateCluster", kind: "capacity", nth: 1 });
    const up = await cloud.up(cpu);
    // Two zones are all that there are, and EKS wants two.
    expect(up.failures).toMatchObject([{ id: "control-plane", error: { code: "NO_CAPACITY" } }]);
    expect(up.failures[0]?.error.hint).toContain("availability_zones: [");
  });

  test("what others made under the same name stays theirs", { timeout: slowMs }, async () => {
    await using cloud = await eksCloud(emulator, { clusterName: "taken" });
    expect((await cloud.up(cpu)).failures).toEqual([]);
    const eks = await cloud.aws.eks();
    const { cluster } = await eks.describeCluster({ name: "taken" }, cloud.signal);
    await eks.tagResource({ resourceArn: cluster?.arn, tags: { "cortex.dev/cluster-name": "other" } }, cloud.signal);
    const up = await cloud.up(cpu);
    expect(up.failures).toMatchObject([{ id: "control-plane", error: { code: "CONFLICT" } }]);
    expect(up.failures[0]?.error.message).toBe("there is an EKS cluster taken that Cortex did not make");
  });

  test("a run that ended in the middle is gone on with", { timeout: slowMs }, async () => {
    await using cloud = await eksCloud(emulator, { clusterName: "interrupted" });
    using stopped = new DisposableStack();
    stopped.use(
      emulator.faults.add({
        op: "eks:DescribeCluster",
        kind: "denied",
        rate: 1,
        where: isAfter(emulator, "eks:CreateCluster"),
      }),
    );
    const first = await cloud.up(cpu);
    expect(first.failures.map(({ id }) => id)).toEqual(["control-plane"]);
    stopped.dispose();
    const second = await cloud.up(cpu);
    expect(actions(second.plan)).toMatchObject({ "control-plane": "settle", "node-group/cpu": "create" });
    expect(second.failures).toEqual([]);
  });
});

/** @returns whether one more call of this name was answered well */
function isAfter({ calls }: typeof emulator, name: string): () => boolean {
  const count = () => calls.of(name).filter(({ status }) => status === 200).length;
  const before = count();
  return () => count() > before;
}
