import { RequestCertificateCommand } from "@aws-sdk/client-acm";
import { CreateLogGroupCommand } from "@aws-sdk/client-cloudwatch-logs";
import { expect, test } from "vitest";
import { policiesFor } from "../../../src/cluster/policies.ts";
import { type CloudActivity, rightsScopeOf } from "../../../src/core/cloud-rights.ts";
import { lifecyclePlace, never, smallCluster } from "../support/lifecycle.ts";

const boundary = "arn:aws:iam::aws:policy/PowerUserAccess";
const whole = `
nat_gateway: single
subnet_visibility: private
tags: {team: models}
kubernetes_version: 1.34
iam_permissions_boundary_arn: ${boundary}
`;
const groups =
  "[{name: cpu, instance_type: m5.large, min_instances: 1, max_instances: 3}, {name: spot, instance_type: m5.large, min_instances: 0, max_instances: 3, spot: true}]";

test("who has no more than the policy of each command can do it", { timeout: 240_000 }, async () => {
  await using place = await lifecyclePlace();
  const { emulator, me } = place;
  const { clouds } = me;
  const request = new RequestCertificateCommand({ DomainName: "models.example.com", ValidationMethod: "DNS" });
  const { CertificateArn: certificate } = await emulator.moto().acm.send(request);
  const cluster = await smallCluster(`${whole}ssl_certificate_arn: ${certificate}\n`, groups);
  const name = cluster.cluster_name;
  const id = { name, region: cluster.region };
  const scope = { ...rightsScopeOf(cluster), accountId: emulator.account };
  const as = async <T>(activity: CloudActivity, work: () => Promise<T>): Promise<T> => {
    const refused = emulator.allowOnly(policiesFor([activity], scope));
    const done = await work();
    expect({ activity, refused }).toEqual({ activity, refused: [] });
    return done;
  };
  expect((await as("up", () => me.up(cluster))).outcome.failures).toEqual([]);
  expect(emulator.calls.of("iam:SimulatePrincipalPolicy").length).toBeGreaterThan(0);
  expect(emulator.calls.of("acm:DescribeCertificate").length).toBeGreaterThan(0);
  await as("diff", () => clouds.planConfigure(cluster, never));
  await as("info", () => clouds.info(id, never));
  await as("list", () => clouds.list([cluster.region], never));
  await as("health", () => clouds.health(id, never));
  // All else of it is the API server's.
  await as("export", () => clouds.reach(id, never));
  const [resized] = cluster.node_groups;
  const smaller = {
    ...cluster,
    tags: { team: "others" },
    node_groups: [{ ...resized!, max_instances: 5, instance_volume_size: 60 }],
  };
  const { failures } = await as("configure", async () => {
    return clouds.apply(await clouds.planConfigure(smaller, never), () => {}, never);
  });
  expect(failures).toEqual([]);
  const upgraded = await as("upgrade", async () => {
    return clouds.apply(await clouds.planUpgrade(id, undefined, never), () => {}, never);
  });
  expect(upgraded.failures).toEqual([]);
  await emulator.kubernetes.loadBalancer(name, "network");
  await emulator.kubernetes.loadBalancer(name, "classic");
  await emulator.kubernetes.volume(name);
  await emulator.kubernetes.lostInterface(name);
  const logGroupName = `/aws/containerinsights/${name}/application`;
  await emulator.moto().logs.send(new CreateLogGroupCommand({ logGroupName }));
  const { outcome } = await as("down", () => me.down(cluster));
  expect(outcome).toMatchObject({ failures: [], left: [] });
});

test("and can do it to no other cluster", { timeout: 120_000 }, async () => {
  await using place = await lifecyclePlace();
  const { emulator, me } = place;
  const [mine, other] = [await smallCluster(), await smallCluster()];
  expect((await me.up(other)).outcome.failures).toEqual([]);
  const before = await emulator.inventory.names();
  emulator.allowOnly(policiesFor([], { ...rightsScopeOf(mine), accountId: emulator.account }));
  await me.down(other).catch(() => {});
  expect(await emulator.inventory.names()).toEqual(before);
});
