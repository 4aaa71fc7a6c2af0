import { CreateVolumeCommand, CreateVpcCommand } from "@aws-sdk/client-ec2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkCloud } from "../../../src/cluster/people/check-cloud.ts";
import { type InfoPorts, readInfo } from "../../../src/cluster/people/info.ts";
import { listClusters } from "../../../src/cluster/people/list-clusters.ts";
import type { InsideLook } from "../../../src/cluster/people/look-inside.ts";
import { priceCacheIn } from "../../../src/cluster/prices/price-cache.ts";
import { namesOf } from "../../../src/cluster/resources/names.ts";
import { CortexError } from "../../../src/core/errors.ts";
import { temporaryFolder } from "../../project/folder.ts";
import { type Emulated, emulated } from "../support/emulated.ts";
import { makeCluster } from "../support/made-cluster.ts";

/** Moto learns AWS's policies when it is asked for the first one. */
const slowMs = 180_000;
const text =
  "cluster_name: shown\nnode_groups: [{name: cpu, instance_type: m5.large, min_instances: 2}, {name: burst, instance_type: m5.large, spot: true, min_instances: 1}]\nsubnet_visibility: private\n";
const cluster = { name: "shown", region: "us-east-1" };

let account: Emulated;
beforeAll(async () => {
  account = await emulated();
  await makeCluster(account, text);
  await account.emulator.kubernetes.loadBalancer("shown", "network");
  await account.emulator.kubernetes.volume("shown");
}, slowMs);
afterAll(() => account[Symbol.asyncDispose]());

/** @returns an API server that knows the nodes as they are in AWS, and one API on the first of them */
async function ports(home: string, isUp = true): Promise<InfoPorts> {
  const { aws } = account;
  const reachable = { ...cluster, endpoint: "https://x", authorities: "", accountId: "", registry: "registry/shown" };
  return {
    aws,
    cache: priceCacheIn(home),
    reach: async () => reachable,
    look: async () => (isUp ? lookOf(await instanceIds()) : Promise.reject(unreachable)),
  };
}

const unreachable = new CortexError("CLUSTER_UNREACHABLE", "https://x does not answer");

async function instanceIds(): Promise<readonly string[]> {
  const ec2 = await account.aws.ec2();
  const { Reservations = [] } = await ec2.describeInstances({}, account.signal);
  return Reservations.flatMap(({ Instances = [] }) => Instances.flatMap(({ InstanceId }) => InstanceId ?? [])).sort();
}

function lookOf(ids: readonly string[]): InsideLook {
  const node = { apiVersion: "v1", kind: "Node" };
  const labels = {
    "app.kubernetes.io/managed-by": "cortex",
    "app.kubernetes.io/name": "iris",
    "cortex.dev/kind": "RealtimeAPI",
  };
  return {
    nodes: ids.map((id, index) => ({
      ...node,
      metadata: { name: `node-${index}`, labels: { "node.kubernetes.io/instance-type": "m5.large" } },
      spec: { providerID: `aws:///us-east-1a/${id}` },
      status: { allocatable: { cpu: "2", memory: "8Gi" } },
    })),
    pods: [
      {
        ...{ apiVersion: "v1", kind: "Pod" },
        metadata: { name: "iris-1", namespace: "default", labels },
        spec: { nodeName: "node-0", containers: [{ resources: { requests: { cpu: "500m" } } }] },
        status: { phase: "Running" },
      },
    ],
  };
}

describe("a cluster that is up", () => {
  test("costs what all its parts cost, and each API its share of the nodes", async () => {
    await using folder = await temporaryFolder({});
    const info = await readInfo(cluster, await ports(folder.path), account.signal);
    expect(info).toMatchObject({
      cluster,
      status: "active",
      kubernetesVersion: "1.34",
      registry: "registry/shown",
      warnings: [],
    });
    expect(info.cost.lines.map(({ what }) => what)).toEqual([
      "EKS control plane",
      expect.stringMatching(/^node group burst: 1 m5.large, spot$/),
      "node group cpu: 2 m5.large",
      expect.stringMatching(/^\d+ disks, \d+ GB$/),
      "NAT gateway",
      "network load balancer",
      expect.stringMatching(/^\d+ public IPv4 addresses$/),
    ]);
    expect(info.cost.lines.every(({ perHour }) => perHour !== undefined && perHour.min > 0)).toBe(true);
    const sum = info.cost.lines.reduce((total, { perHour }) => total + (perHour?.min ?? 0), 0);
    expect(info.cost.perHour.min).toBeCloseTo(sum, 9);
    expect(info.nodes).toHaveLength(3);
    const first = info.nodes[0]?.perHour ?? 0;
    expect(info.apis).toEqual([
      { namespace: "default", api: "iris", replicas: 1, perHour: expect.closeTo(first / 4, 9) },
    ]);
    const nodes = info.nodes.reduce((total, { perHour = 0 }) => total + perHour, 0);
    expect(info.idlePerHour).toBeCloseTo(nodes - first / 4, 9);
  });

  test("is told of with few calls, once prices are known", async () => {
    await using folder = await temporaryFolder({});
    const asked = await ports(folder.path);
    await readInfo(cluster, asked, account.signal);
    account.emulator.calls.clear();
    await readInfo(cluster, { ...asked, look: async () => lookOf([]) }, account.signal);
    expect(account.emulator.calls.all.length).toBeLessThanOrEqual(20);
    expect(account.emulator.calls.of("pricing:*")).toEqual([]);
  });

  test("is told of without its nodes when its API server does not answer", async () => {
    await using folder = await temporaryFolder({});
    const info = await readInfo(cluster, await ports(folder.path, false), account.signal);
    expect(info.nodes).toEqual([]);
    expect(info.cost.perHour.min).toBeGreaterThan(0.3);
    expect(info.warnings).toEqual(["nodes and APIs are not known: https://x does not answer"]);
  });

  test(
    "is listed with its nodes, beside what is left of others, and without those of others",
    async () => {
      const { aws, emulator, signal } = account;
      const Tags = [{ Key: "cortex.dev/cluster-name", Value: "halfway" }];
      const TagSpecifications = [{ ResourceType: "vpc" as const, Tags }];
      await emulator.moto("eu-west-1").ec2.send(new CreateVpcCommand({ CidrBlock: "10.0.0.0/16", TagSpecifications }));
      // In subnets of the user's own there is no VPC to know a cluster by.
      const eu = emulator.moto("eu-west-1").ec2;
      const marked = [{ ResourceType: "volume" as const, Tags: [{ Key: "cortex.dev/cluster-name", Value: "lent" }] }];
      await eu.send(new CreateVolumeCommand({ AvailabilityZone: "eu-west-1a", Size: 1, TagSpecifications: marked }));
      const place = { clusterName: "stored", accountId: emulator.account, region: "eu-west-1" };
      const constraint = { CreateBucketConfiguration: { LocationConstraint: "eu-west-1" as const } };
      const s3 = await aws.inRegion("eu-west-1").s3();
      await s3.createBucket({ Bucket: namesOf(place).bucket, ...constraint }, signal);
      await s3.createBucket({ Bucket: `foreign-${emulator.account}-0a1b2c3d`, ...constraint }, signal);
      const { clusters, unread } = await listClusters(aws, undefined, signal);
      expect(unread).toEqual([]);
      expect(clusters).toEqual([
        ...["halfway", "lent", "stored"].map((name) => {
          return { name, region: "eu-west-1", status: "incomplete", kubernetesVersion: "", nodes: 0 };
        }),
        { name: "shown", region: "us-east-1", status: "active", kubernetesVersion: "1.34", nodes: 3 },
      ]);
      expect((await listClusters(aws, ["eu-west-1"], signal)).clusters).toHaveLength(3);
    },
    slowMs,
  );

  test("is healthy", async () => {
    const found = await checkCloud(account.aws, cluster, account.signal);
    // How long its version is supported is a matter of the day.
    const checks = found.filter(({ name }) => name !== "version");
    expect(checks.filter(({ status }) => status !== "ok")).toEqual([]);
    expect(checks.map(({ name }) => name)).toEqual([
      "control plane",
      "node group burst",
      "node group cpu",
      ...["add-on aws-ebs-csi-driver", "add-on coredns", "add-on eks-pod-identity-agent", "add-on kube-proxy"],
      ...["add-on metrics-server", "add-on vpc-cni"],
      expect.stringMatching(/^NAT gateway nat-/),
    ]);
  });
});

test("a region that may not be read hides no other", async () => {
  const { aws, emulator, signal } = account;
  emulator.faults.add({ op: "eks:ListClusters", kind: "denied" });
  const { clusters, unread } = await listClusters(aws, ["us-east-1", "us-west-2"], signal);
  expect(unread).toHaveLength(1);
  expect(unread[0]?.message).toContain("eks:ListClusters");
  expect(clusters.length).toBeLessThanOrEqual(1);
  emulator.faults.add({ op: "eks:ListClusters", kind: "denied" });
  await expect(listClusters(aws, ["us-west-2"], signal)).rejects.toMatchObject({ code: "NOT_AUTHORISED" });
});

test("a cluster that is not there is not told of", async () => {
  await using folder = await temporaryFolder({});
  const absent = { name: "absent", region: "us-east-1" };
  const asked = await ports(folder.path);
  await expect(readInfo(absent, asked, account.signal)).rejects.toMatchObject({ code: "ENVIRONMENT_NOT_FOUND" });
  await expect(checkCloud(account.aws, absent, account.signal)).rejects.toMatchObject({
    message: "there is no cluster absent in us-east-1",
  });
});
