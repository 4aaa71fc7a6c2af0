import { describe, expect, test } from "vitest";
import { eksClusterTag, runningInstances, tagOf } from "../../../src/cluster/preflight/usage.ts";
import type { Cluster } from "../../../src/spec/parse-cluster.ts";
import { doneBy, lifecyclePlace, never, type Operator, smallCluster } from "../support/lifecycle.ts";

const minutes = 60_000;

/** The same cluster with other node groups or fields. */
const changed = (cluster: Cluster, changes: Partial<Cluster>): Cluster => ({ ...cluster, ...changes });

async function configure(me: Operator, cluster: Cluster): Promise<readonly string[]> {
  const plan = await me.clouds.planConfigure(cluster, never);
  expect((await me.clouds.apply(plan, () => {}, never)).failures).toEqual([]);
  return doneBy(plan);
}

describe.concurrent("a cluster on AWS", { timeout: 5 * minutes }, () => {
  test("is made, is as it should be when looked at again, and is removed without a trace", async ({ expect }) => {
    await using place = await lifecyclePlace();
    const { me, emulator } = place;
    const cluster = await smallCluster();
    const { plan, outcome } = await me.up(cluster);
    expect(outcome.failures).toEqual([]);
    expect(outcome.reachable).toMatchObject({ name: cluster.cluster_name, accountId: emulator.account });
    expect(plan.cost.perHour.max).toBeGreaterThan(plan.cost.perHour.min);
    expect(me.inside.calls).toEqual([`bring ${cluster.cluster_name}`]);
    expect(doneBy(await me.clouds.planUp(cluster, never))).toEqual([]);
    const removed = await me.down(cluster);
    expect(removed.outcome).toEqual({ failures: [], left: [], kept: [] });
    expect(me.inside.calls).toContain(`release ${cluster.cluster_name}`);
    expect(await emulator.inventory.names()).toEqual([]);
    await expect(me.clouds.planDown(plan.cluster, { keepAwsResources: false }, never)).rejects.toMatchObject({
      code: "ENVIRONMENT_NOT_FOUND",
    });
  });

  test("of an old Kubernetes costs more, which the plan says, also of one that is there", async ({ expect }) => {
    await using place = await lifecyclePlace();
    const { me } = place;
    const cluster = await smallCluster("kubernetes_version: 1.32\n");
    const extra = { what: "extended support of its Kubernetes version", perHour: { min: 0.5, max: 0.5 } };
    const text = /^standard support of Kubernetes 1\.32 ended on [-0-9]+: the control plane costs more; /;
    const { plan } = await me.up(cluster);
    expect(plan.cost.lines).toContainEqual(extra);
    const [warning = ""] = plan.warnings;
    expect(warning).toMatch(text);
    expect(warning).toContain("choose a newer kubernetes_version");
    const next = await me.clouds.planConfigure({ ...cluster, kubernetes_version: null }, never);
    expect(next.cost.lines).toContainEqual(extra);
    expect(next.costNow?.lines).toContainEqual(extra);
    expect(next.warnings[0]).toMatch(text);
    expect(next.warnings[0]).toContain("`cortex cluster upgrade` brings it further");
  });

  test("gives other tags to nodes that run and to those to come, and exchanges none", async ({ expect }) => {
    await using place = await lifecyclePlace();
    const { me, emulator } = place;
    const cluster = await smallCluster("tags: {team: a, kept: yes}\n");
    expect((await me.up(cluster)).outcome.failures).toEqual([]);
    const nodes = () =>
      runningInstances(me.aws, [{ Name: `tag:${eksClusterTag}`, Values: [cluster.cluster_name] }], never);
    const [node] = await nodes();
    const retagged = changed(cluster, { tags: { team: "b", owner: "c", kept: "yes" } });
    const plan = await me.clouds.planConfigure(retagged, never);
    const group = plan.changes.find(({ id }) => id === "node-group/cpu");
    expect(group?.differences).toEqual([
      { field: "tags.team", from: "a", to: "b" },
      { field: "tags.owner", from: "none", to: "c" },
    ]);
    expect((await me.clouds.apply(plan, () => {}, never)).failures).toEqual([]);
    expect(doneBy(await me.clouds.planConfigure(retagged, never))).toEqual([]);
    expect(emulator.calls.of("eks:UpdateNodegroupVersion")).toEqual([]);
    const fewer = await me.clouds.planConfigure(changed(cluster, { tags: { team: "b" } }), never);
    expect(fewer.warnings).toContain("tags that are not in the file stay on what has them: kept, owner");
    const [cpu] = retagged.node_groups;
    await configure(me, changed(retagged, { node_groups: [{ ...cpu!, min_instances: 2 }] }));
    const now = await nodes();
    expect(now).toHaveLength(2);
    expect(now.map(({ InstanceId }) => InstanceId)).toContain(node?.InstanceId);
    for (const one of now) expect(["team", "owner", "kept"].map((key) => tagOf(one, key))).toEqual(["b", "c", "yes"]);
  });

  test("is refused a bucket of another account by its name, and not where a right is missing", async ({ expect }) => {
    await using place = await lifecyclePlace();
    const { me, emulator } = place;
    // S3 answers both alike.
    emulator.faults.add({ op: "s3:GetBucketTagging", kind: "denied" });
    await expect(me.clouds.planUp(await smallCluster(), never)).rejects.toMatchObject({
      code: "CONFLICT",
      message: expect.stringMatching(/^the bucket c[-0-9a-f]+ belongs to another account$/),
      hint: "choose another cluster_name",
    });
    await using other = await lifecyclePlace({ denied: ["s3:GetBucketTagging"] });
    await expect(other.me.clouds.planUp(await smallCluster(), never)).rejects.toMatchObject({
      code: "NOT_AUTHORISED",
      message: expect.stringContaining("may not s3:GetBucketTagging"),
    });
  });

  test("becomes what its file says: groups come, grow and go, and nothing else is touched", async ({ expect }) => {
    await using place = await lifecyclePlace();
    const { me, emulator } = place;
    const cluster = await smallCluster();
    await expect(me.clouds.planConfigure(cluster, never)).rejects.toMatchObject({ code: "ENVIRONMENT_NOT_FOUND" });
    expect((await me.up(cluster)).outcome.failures).toEqual([]);
    const before = await emulator.inventory.names();
    const [cpu] = cluster.node_groups;
    if (!cpu) throw new Error("there is no group");
    const grown = changed(cluster, {
      node_groups: [
        { ...cpu, max_instances: 8 },
        { ...cpu, name: "more", min_instances: 0 },
      ],
      operator_load_balancer_cidr_white_list: ["203.0.113.0/24"],
    });
    const plan = await me.clouds.planConfigure(grown, never);
    const differences = plan.changes.flatMap((change) => change.differences);
    expect(differences).toContainEqual({ field: "node_groups.cpu.max_instances", from: "5", to: "8" });
    expect(plan.costNow?.perHour.max).toBeGreaterThan(0);
    expect(await configure(me, grown)).toEqual(
      expect.arrayContaining(["update control-plane", "update node-group/cpu", "create node-group/more"]),
    );
    expect(doneBy(await me.clouds.planConfigure(grown, never))).toEqual([]);
    expect(await configure(me, cluster)).toEqual(expect.arrayContaining(["remove node-group/more"]));
    expect(await emulator.inventory.names()).toEqual(before);
    const other = changed(cluster, {
      node_groups: [{ ...cpu, instance_type: "m5.xlarge" }],
      vpc_cidr: "10.0.0.0/16",
    });
    const refused = await me.clouds.planConfigure(other, never).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "NOT_SUPPORTED" });
    expect(JSON.stringify(refused)).toContain("vpc_cidr");
  });

  test("is changed by one at a time, and not by a plan that is not true any more", async ({ expect }) => {
    await using place = await lifecyclePlace();
    const { me, emulator } = place;
    const other = place.operator(emulator.client().variables);
    const cluster = await smallCluster();
    const hold = emulator.holds.add("eks:CreateCluster", 1);
    const running = me.up(cluster);
    await hold.reached;
    const theirs = await other.clouds.planUp(cluster, never);
    await expect(other.clouds.apply(theirs, () => {}, never)).rejects.toMatchObject({
      code: "CONFLICT",
      message: expect.stringContaining("is changing this cluster (cortex cluster up"),
    });
    hold.release();
    expect((await running).outcome.failures).toEqual([]);
    // All that was planned is done by now, by somebody else.
    expect((await other.clouds.apply(theirs, () => {}, never)).failures).toEqual([]);
    expect(other.events).toEqual([]);
    const late = await me.clouds.planUp(changed(cluster, { tags: { team: "models" } }), never);
    const logs = await me.aws.logs();
    await logs.deleteLogGroup({ logGroupName: `/cortex/${cluster.cluster_name}` }, never);
    await expect(me.clouds.apply(late, () => {}, never)).rejects.toMatchObject({
      code: "CONFLICT",
      message: expect.stringContaining("has changed since this was planned"),
    });
  });

  test("is made once by two who begin at the same moment, before there is any lease to take", async ({ expect }) => {
    await using place = await lifecyclePlace();
    const { me, emulator } = place;
    const other = place.operator(emulator.client().variables);
    const cluster = await smallCluster();
    const plans = await Promise.all([me.clouds.planUp(cluster, never), other.clouds.planUp(cluster, never)]);
    expect(await emulator.inventory.names()).toEqual([]);
    using first = emulator.holds.add("s3:CreateBucket", 1);
    using second = emulator.holds.add("s3:CreateBucket", 2);
    const [mine, theirs] = plans;
    const running = [me.clouds.apply(mine, () => {}, never), other.clouds.apply(theirs, () => {}, never)];
    await Promise.all([first.reached, second.reached]);
    first.release();
    second.release();
    const ended = await Promise.allSettled(running);
    const made = ended.flatMap((one) => (one.status === "fulfilled" ? [one.value.failures] : []));
    const refused = ended.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
    expect(made).toEqual([[]]);
    expect(refused).toEqual([
      expect.objectContaining({
        code: "CONFLICT",
        message: expect.stringContaining("is changing this cluster (cortex cluster up"),
      }),
    ]);
    const single = /^(?:bucket|vpc|internet-gateway|eks:cluster) /;
    expect((await emulator.inventory.names()).filter((name) => single.test(name))).toHaveLength(4);
    expect(doneBy(await me.clouds.planUp(cluster, never))).toEqual([]);
  });

  test("is removed at once when its bucket is gone already", async ({ expect }) => {
    await using place = await lifecyclePlace();
    const { me, emulator } = place;
    const cluster = await smallCluster();
    const logs = await me.aws.logs();
    const tags = { "cortex.dev/cluster-name": cluster.cluster_name, "cortex.dev/resource": "log-group/containers" };
    await logs.createLogGroup({ logGroupName: `/cortex/${cluster.cluster_name}`, tags }, never);
    const startedAt = emulator.clock.now();
    expect((await me.down(cluster)).outcome).toEqual({ failures: [], left: [], kept: [] });
    expect(emulator.clock.now() - startedAt).toBeLessThan(20_000);
    expect(emulator.calls.of("s3:PutObject")).toEqual([]);
  });

  test("goes on after an interruption, up and down, and keeps its data when told", async ({ expect }) => {
    await using place = await lifecyclePlace();
    const { me, emulator } = place;
    const cluster = await smallCluster();
    const stop = new AbortController();
    const hold = emulator.holds.add("eks:CreateCluster", 1);
    const running = me.up(cluster, stop.signal);
    await hold.reached;
    stop.abort(new Error("stopped"));
    await expect(running).rejects.toThrow("stopped");
    hold.release();
    const { plan, outcome } = await me.up(cluster);
    expect(outcome.failures).toEqual([]);
    expect(doneBy(plan)).not.toContain("create vpc");
    await emulator.kubernetes.volume(cluster.cluster_name);
    const names = await emulator.inventory.names();
    expect(names.filter((name) => name.startsWith("vpc "))).toHaveLength(1);
    const held = emulator.holds.add("eks:DeleteCluster", 1);
    const again = new AbortController();
    const removing = me.down(cluster, { keepAwsResources: true }, again.signal);
    await held.reached;
    again.abort(new Error("stopped"));
    await expect(removing).rejects.toThrow("stopped");
    held.release();
    const kept = await me.down(cluster, { keepAwsResources: true });
    expect(kept.outcome).toMatchObject({ failures: [], left: [] });
    expect(kept.outcome.kept.map(({ what }) => what).sort()).toEqual(
      expect.arrayContaining(["S3 bucket", "log group", "volume of 10 GB"]),
    );
    expect(kept.outcome.kept.find(({ what }) => what === "volume of 10 GB")?.perHour).toBeGreaterThan(0);
    expect((await emulator.inventory.names()).filter((name) => name.startsWith("volume "))).toHaveLength(1);
    expect((await me.down(cluster)).outcome).toEqual({ failures: [], left: [], kept: [] });
    expect(await emulator.inventory.names()).toEqual([]);
  });
});
