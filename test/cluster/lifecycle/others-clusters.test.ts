import { CreateVpcCommand, DescribeVpcsCommand } from "@aws-sdk/client-ec2";
import { describe, test } from "vitest";
import { checkCloud } from "../../../src/cluster/people/check-cloud.ts";
import { makeForeignCluster } from "../support/foreign-cluster.ts";
import { doneBy, lifecyclePlace, never, type Place, smallCluster } from "../support/lifecycle.ts";

const minutes = 60_000;
const everything = { keepAwsResources: false };

/** What Kubernetes makes in a cluster, marked with the cluster's name only. */
async function used({ emulator }: Place, name: string): Promise<void> {
  await emulator.kubernetes.loadBalancer(name, "network");
  await emulator.kubernetes.loadBalancer(name, "classic");
  await emulator.kubernetes.volume(name);
  await emulator.kubernetes.lostInterface(name);
}

describe.concurrent("a cluster that somebody else made", { timeout: 5 * minutes }, () => {
  test("is refused by every command, and nothing of it is touched", async ({ expect }) => {
    await using place = await lifecyclePlace();
    const { me, emulator } = place;
    const cluster = await smallCluster();
    const id = { name: cluster.cluster_name, region: cluster.region };
    await makeForeignCluster({ aws: me.aws, emulator }, id.name);
    await used(place, id.name);
    const before = await emulator.inventory.names();
    const refused = { code: "NOT_SUPPORTED", message: expect.stringContaining("was not made by `cortex cluster up`") };
    await expect(me.clouds.planDown(id, everything, never)).rejects.toMatchObject(refused);
    await expect(me.clouds.planUp(cluster, never)).rejects.toMatchObject(refused);
    await expect(me.clouds.planConfigure(cluster, never)).rejects.toMatchObject(refused);
    await expect(me.clouds.planUpgrade(id, undefined, never)).rejects.toMatchObject(refused);
    await expect(me.clouds.reach(id, never)).rejects.toMatchObject(refused);
    await expect(me.clouds.info(id, never)).rejects.toMatchObject(refused);
    await expect(me.clouds.health(id, never)).rejects.toMatchObject(refused);
    await expect(checkCloud(me.aws, id, never)).rejects.toMatchObject(refused);
    expect(await me.clouds.list([id.region], never)).toEqual({ clusters: [], unread: [] });
    expect(await emulator.inventory.names()).toEqual(before);
  });

  test("stays as it is when data is removed that was kept of one of ours by that name", async ({ expect }) => {
    await using place = await lifecyclePlace();
    const { me, emulator } = place;
    const cluster = await smallCluster();
    const name = cluster.cluster_name;
    await me.up(cluster);
    await me.down(cluster, { keepAwsResources: true });
    const kept = await emulator.inventory.names();
    await makeForeignCluster({ aws: me.aws, emulator }, name);
    await used(place, name);
    const before = await emulator.inventory.names();
    const { plan, outcome } = await me.down(cluster);
    expect(outcome).toMatchObject({ failures: [], left: [] });
    expect(doneBy(plan).toSorted()).toEqual(["remove bucket", "remove repository"]);
    expect(plan.warnings).toContainEqual(expect.stringContaining("that Cortex did not make: it stays"));
    expect(plan.costNow?.lines).toEqual([]);
    const stored = kept.filter((one) => /^(?:bucket|repository) /.test(one));
    expect(await emulator.inventory.names()).toEqual(before.filter((one) => !stored.includes(one)));
  });

  test("is not taken for ours by the name of its network", async ({ expect }) => {
    await using place = await lifecyclePlace();
    const { me, emulator } = place;
    const cluster = await smallCluster();
    const id = { name: cluster.cluster_name, region: cluster.region };
    const { ec2 } = emulator.moto();
    const Tags = [{ Key: "Name", Value: `${id.name}/vpc` }];
    const TagSpecifications = [{ ResourceType: "vpc" as const, Tags }];
    const { Vpc: theirs } = await ec2.send(new CreateVpcCommand({ CidrBlock: "10.7.0.0/16", TagSpecifications }));
    await expect(me.clouds.planDown(id, everything, never)).rejects.toMatchObject({ code: "ENVIRONMENT_NOT_FOUND" });
    await me.up(cluster);
    expect(doneBy(await me.clouds.planUp(cluster, never))).toEqual([]);
    expect((await me.down(cluster)).outcome).toEqual({ failures: [], left: [], kept: [] });
    const { Vpcs } = await ec2.send(new DescribeVpcsCommand({ VpcIds: [theirs?.VpcId ?? ""] }));
    expect(Vpcs).toHaveLength(1);
  });

  test("is not torn out of a network of ours that it was made in", async ({ expect }) => {
    await using place = await lifecyclePlace();
    const { me, emulator } = place;
    const cluster = await smallCluster();
    const id = { name: cluster.cluster_name, region: cluster.region };
    {
      using _fault = emulator.faults.add({ op: "eks:CreateCluster", kind: "denied", first: 1_000 });
      expect((await me.up(cluster)).outcome.failures).not.toEqual([]);
    }
    const [vpc] = (await emulator.inventory.all()).filter(({ type }) => type === "vpc");
    await makeForeignCluster({ aws: me.aws, emulator }, id.name, vpc?.id ?? "");
    await expect(me.clouds.planDown(id, everything, never)).rejects.toMatchObject({ code: "NOT_SUPPORTED" });
  });
});

describe.concurrent("what Kubernetes made for a cluster of ours", { timeout: 5 * minutes }, () => {
  test("is removed when the control plane went first, as in a removal that was interrupted", async ({ expect }) => {
    await using place = await lifecyclePlace();
    const { me, emulator } = place;
    const cluster = await smallCluster();
    await me.up(cluster);
    await emulator.kubernetes.volume(cluster.cluster_name);
    {
      using _fault = emulator.faults.add({ op: "ec2:DeleteVolume", kind: "denied", first: 1_000 });
      const { outcome } = await me.down(cluster);
      expect(outcome.failures).toHaveLength(1);
    }
    // Neither control plane nor network is there to tell whose it is.
    expect((await emulator.inventory.all()).map(({ type }) => type)).not.toContain("vpc");
    const { outcome } = await me.down(cluster);
    expect(outcome).toEqual({ failures: [], left: [], kept: [] });
    expect(await emulator.inventory.names()).toEqual([]);
  });

  test("is told from disks that another cluster of that name may have left, which stay, with their price", async ({
    expect,
  }) => {
    await using place = await lifecyclePlace();
    const { me, emulator } = place;
    const cluster = await smallCluster();
    const name = cluster.cluster_name;
    await me.up(cluster);
    await emulator.kubernetes.volume(name);
    const beforeMarks = await emulator.kubernetes.volume(name, cluster.region, 1);
    const older = await emulator.kubernetes.volume(name, cluster.region, 24 * 60 * minutes);
    const { plan, outcome } = await me.down(cluster);
    expect(doneBy(plan).filter((one) => one.startsWith("remove volume/"))).toHaveLength(2);
    expect(doneBy(plan)).toContain(`remove volume/${beforeMarks}`);
    expect(plan.warnings).toContainEqual(expect.stringContaining(`volume ${older} of 10 GB bears the name`));
    expect(outcome).toMatchObject({ failures: [], left: [] });
    expect(outcome.kept).toEqual([
      { what: "volume of 10 GB, perhaps of another cluster of that name", label: older, perHour: expect.any(Number) },
    ]);
    expect(await emulator.inventory.names()).toEqual(["volume vol"]);
  });
});
