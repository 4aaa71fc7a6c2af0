import { expect, test } from "vitest";
import { clusterConfigText } from "../../../src/cli/render/cluster-config-text.ts";
import { insideSettings } from "../../../src/cluster/inside.ts";
import { clusterFrom, doneBy, lifecyclePlace, never, smallCluster } from "../support/lifecycle.ts";

const more = `
subnet_visibility: private
nat_gateway: single
vpc_cidr: 10.20.0.0/16
tags: {team: models}
iam_policy_arns: [arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess]
operator_load_balancer_cidr_white_list: [203.0.113.0/24]
api_load_balancer_scheme: internal
`;
const groups =
  "[{name: cpu, instance_type: m5.large, instance_volume_size: 60, priority: 9}, {name: spot, instance_type: m5.large, min_instances: 0, max_instances: 6, spot: true, spot_config: {on_demand_base_capacity: 1}}]";

test("a cluster that is there is described by a file that changes nothing of it", { timeout: 120_000 }, async () => {
  await using place = await lifecyclePlace();
  const { me } = place;
  const cluster = await smallCluster(more, groups);
  const id = { name: cluster.cluster_name, region: cluster.region };
  await expect(me.clouds.config(id, never)).rejects.toMatchObject({ code: "ENVIRONMENT_NOT_FOUND" });
  expect((await me.up(cluster)).outcome.failures).toEqual([]);
  const parts = ["cpu", "spot"].map((name) => ({ name, group: name, priority: name === "cpu" ? 9 : 1, taints: [] }));
  Object.assign(me.inside, { written: async () => insideSettings(cluster, "1.35", parts, "/cortex/x") });
  const config = await me.clouds.config(id, never);
  expect(config.warnings).toEqual([]);
  const described = await clusterFrom(await clusterConfigText(config));
  expect(described).toEqual({
    ...cluster,
    kubernetes_version: "1.35",
    availability_zones: expect.arrayContaining(["us-east-1a"]),
    node_groups: expect.arrayContaining([expect.objectContaining({ name: "cpu", priority: 9 })]),
  });
  expect(doneBy(await me.clouds.planConfigure(described, never))).toEqual([]);
  Object.assign(me.inside, { written: async () => undefined });
  expect((await me.clouds.config(id, never)).warnings).toEqual([
    expect.stringContaining("ssl_certificate_arn are not known"),
  ]);
});
