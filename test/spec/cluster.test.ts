import { describe, expect, test } from "vitest";
import { CortexError } from "../../src/core/errors.ts";
import { parseCluster } from "../../src/spec/parse-cluster.ts";
import { shown } from "./support/parse.ts";

const parse = (text: string, variables: Record<string, string> = {}) =>
  parseCluster({ file: "cluster.yaml", text, variables });

async function problemsOf(text: string): Promise<readonly string[]> {
  const error = await parse(text).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CortexError)) throw new Error("the file was accepted", { cause: error });
  return error.problems.map(shown);
}

const withGroup = (line: string): string =>
  `region: us-east-1\nnode_groups:\n  - name: cpu\n    instance_type: m5.large\n    ${line}\n`;
const withLine = (line: string): string =>
  `region: us-east-1\nnode_groups: [{name: cpu, instance_type: m5.large}]\n${line}\n`;

test("a region and a node group are enough", async () => {
  const { cluster, warnings } = await parse(withGroup("spot: yes"));
  expect(warnings).toEqual([]);
  expect(cluster).toEqual({
    cluster_name: "cortex",
    region: "us-east-1",
    availability_zones: null,
    node_groups: [
      {
        name: "cpu",
        instance_type: "m5.large",
        min_instances: 1,
        max_instances: 5,
        priority: 1,
        instance_volume_size: 50,
        instance_volume_type: "gp3",
        instance_volume_iops: null,
        instance_volume_throughput: null,
        spot: true,
        spot_config: null,
      },
    ],
    subnet_visibility: "public",
    nat_gateway: null,
    subnets: null,
    vpc_cidr: "192.168.0.0/16",
    api_load_balancer_type: "nlb",
    api_load_balancer_scheme: "internet-facing",
    api_load_balancer_cidr_white_list: null,
    operator_load_balancer_scheme: "internet-facing",
    operator_load_balancer_cidr_white_list: null,
    ssl_certificate_arn: null,
    iam_policy_arns: ["arn:aws:iam::aws:policy/AmazonS3FullAccess"],
    tags: {},
    iam_permissions_boundary_arn: null,
    kubernetes_version: null,
  });
});

test("tags are whatever every service of AWS takes", async () => {
  const line = `tags: {'cost center': 42, 'a.b/c:d=e+f-g@h_i': "", équipe: ${"v".repeat(256)}, ${"k".repeat(128)}: x}`;
  expect(Object.keys((await parse(withLine(line))).cluster.tags)).toHaveLength(4);
});

describe("a node group is refused with", () => {
  test.each<[line: string, ...problems: string[]]>([
    ["min_instances: 6", "5:20: node_groups[0].min_instances: 6 is above max_instances (5)"],
    ["priority: 101", "5:15: node_groups[0].priority: 101 is out of range"],
    ["instance_volume_size: 19", "5:27: node_groups[0].instance_volume_size: 19 is out of range"],
    ["instance_volume_type: ssd", '5:27: node_groups[0].instance_volume_type: "ssd" is not allowed'],
    ["spot_config: {instance_pools: 2}", "5:5: node_groups[0].spot_config: goes with spot: true only"],
    [
      "instance_volume_iops: 2000",
      "5:27: node_groups[0].instance_volume_iops: 2000 is below what a gp3 disk always has",
    ],
    [
      "instance_volume_type: st1",
      "5:27: node_groups[0].instance_volume_type: instances cannot start from a disk of type st1",
    ],
    [
      "instance_volume_throughput: 800",
      "5:33: node_groups[0].instance_volume_throughput: 800 is too much for 3000 operations per second",
    ],
    [
      "instance_volume_type: io1\n    instance_volume_iops: 3000",
      "6:27: node_groups[0].instance_volume_iops: 3000 is too many: io1 disks of 50 GB have at most 2500",
    ],
    [
      "spot: true\n    spot_config: {on_demand_base_capacity: 6}",
      "6:44: node_groups[0].spot_config.on_demand_base_capacity: 6 is above max_instances (5)",
    ],
    ["instanse_volume_size: 20", "5:5: node_groups[0].instanse_volume_size: is not a known key"],
  ])("%s", async (line, ...problems) => {
    expect(await problemsOf(withGroup(line))).toEqual(problems);
  });

  test.each([
    ["t3.nano", "t3.nano is too small to run anything"],
    ["t2.micro", "t2.micro is too small to run anything"],
    ["g4ad.xlarge", "g4ad.xlarge has AMD GPUs, which is not supported"],
    ["trn1.2xlarge", "trn1.2xlarge has Trainium chips, which is not supported"],
    ["large", '"large" is not a valid instance type'],
  ])("%s", async (type, cause) => {
    expect(await problemsOf(`region: us-east-1\nnode_groups: [{name: a, instance_type: ${type}}]\n`)).toEqual([
      `2:40: node_groups[0].instance_type: ${cause}`,
    ]);
  });
});

describe("a cluster is refused with", () => {
  test.each<[line: string, ...problems: string[]]>([
    ["cluster_name: Cortex", '3:15: cluster_name: "Cortex" is not a valid name'],
    ["subnet_visibility: private\nnat_gateway: none", "4:14: nat_gateway: private instances need a way out"],
    [
      "availability_zones: [us-east-1a, us-east-1b]\nsubnets: [{availability_zone: a, subnet_id: subnet-1}, {availability_zone: b, subnet_id: subnet-2}]",
      "3:1: availability_zones: cannot go together with subnets",
    ],
    [
      "subnets: [{availability_zone: a, subnet_id: subnet-1}]",
      "3:10: subnets: has 1 item; it needs at least 2, at most 6",
    ],
    [
      "ssl_certificate_arn: arn:aws:acm:eu-west-1:123456789012:certificate/1a2b",
      "3:22: ssl_certificate_arn: the certificate is of eu-west-1, the cluster of us-east-1",
    ],
    ["tags: {'aws:owner': me}", "3:8: tags.aws:owner: AWS keeps names that begin with aws: for itself"],
    ["tags: {'AWS:owner': me}", "3:8: tags.AWS:owner: AWS keeps names that begin with aws: for itself"],
    ["tags: {name: me}", "3:8: tags.name: is the tag that names each thing of a cluster"],
    [
      "tags: {'Cortex.dev/Resource': me}",
      "3:8: tags.Cortex.dev/Resource: is a tag that what belongs to a cluster is found by",
    ],
    [
      "tags: {'team*': me, team: 'a#b'}",
      "3:8: tags.team*: has characters that AWS does not take in the name of a tag",
      "3:27: tags.team: has characters that AWS does not take in a tag",
    ],
    ["tags: {team: a, Team: b}", "3:17: tags.Team: IAM takes it for the same tag as team"],
    [
      `tags: {${"k".repeat(129)}: ${"v".repeat(257)}}`,
      `3:8: tags.${"k".repeat(129)}: the name of a tag has at most 128 characters`,
      `3:139: tags.${"k".repeat(129)}: is 257 characters long`,
    ],
    [
      `tags: {${Array.from({ length: 41 }, (_, index) => `t${index}: x`).join(", ")}}`,
      "3:1: tags: has 41 tags; with ours AWS takes 40",
    ],
    ["vpc_cidr: 10.0.0.0/8", "3:11: vpc_cidr: 10.0.0.0/8 is out of range"],
    ["vpc_cidr: 10.0.0.0/25", "3:11: vpc_cidr: 10.0.0.0/25 is out of range"],
    ["kubernetes_version: latest", '3:21: kubernetes_version: "latest" is not a valid Kubernetes version'],
    ["vpc_cidr: 10.0.0.0", '3:11: vpc_cidr: "10.0.0.0" is not a valid CIDR block'],
    ["vpc_cidr: 10.0.0.256/16", '3:11: vpc_cidr: "10.0.0.256/16" is not a valid CIDR block'],
    ["ssl_certificate_arn: cert", '3:22: ssl_certificate_arn: "cert" is not a valid ARN'],
    ["api_load_balancer_scheme: public", '3:27: api_load_balancer_scheme: "public" is not allowed'],
  ])("%s", async (line, ...problems) => {
    expect(await problemsOf(withLine(line))).toEqual(problems);
  });

  test.each<[what: string, text: string, ...problems: string[]]>([
    ["nothing in it", "", "1:1: expected a cluster: a map of keys, got nothing"],
    ["a list", "- name: iris\n", "1:1: expected a cluster: a map of keys, got a list"],
    [
      "no region and no node groups",
      "cluster_name: cortex\n",
      "1:1: region: is missing",
      "1:1: node_groups: is missing",
    ],
    [
      "two node groups of one name",
      "region: us-east-1\nnode_groups: [{name: a, instance_type: m5.large}, {name: a, instance_type: m5.large}]\n",
      "2:58: node_groups[1].name: a is the name of two node groups",
    ],
  ])("%s", async (_, text, ...problems) => {
    expect(await problemsOf(text)).toEqual(problems);
  });
});

test.each([
  ["region: mars", "as AWS names it, for example us-east-1"],
  ["region: us-eats-1", "did you mean us-east-1?"],
  ["node_groups: []", "begin each item with `- `"],
  ["tags: [a]", "write name: text, one a line"],
  ["vpc_cidr: 10.0.0.0/8", "choose one between /16 and /24, for example 10.0.0.0/16"],
  ["node_groups: [{name: a, instance_type: m5.large, spot: 'yes'}]", "write true or false, without quotes"],
  ["node_groups: [{name: a, instance_type: m5.large, min_instances: 1.5}]", "it must be 0 to 1000"],
  ["node_groups: [{name: a, instance_type: m5.nope}]", "sizes are medium, large, xlarge, 2xlarge …, metal"],
])("%s is refused with what to do", async (line, hint) => {
  const others = ["region: us-east-1", "node_groups: [{name: a, instance_type: m5.large}]"];
  const lines = [line, ...others.filter((other) => other.split(":")[0] !== line.split(":")[0])];
  await expect(parse(`${lines.join("\n")}\n`)).rejects.toMatchObject({ problems: [{ hint }] });
});

describe("what older releases read", () => {
  test("and says nothing any more is dropped, with one warning for all of it", async () => {
    const { cluster, warnings } = await parse(
      withLine(
        "telemetry: true\nprometheus_instance_type: t3.large\nimage_operator: x\nimage_manager: y\nbucket: b\nlog_group: c",
      ),
    );
    expect(warnings).toMatchObject([
      {
        message:
          "telemetry: is not used any more, nor prometheus_instance_type, image_operator, image_manager, bucket and log_group",
        at: { line: 3 },
      },
    ]);
    expect(cluster).not.toHaveProperty("telemetry");
    expect((await parse(withLine("bucket: b"))).warnings.map(shown)).toEqual(["3:1: bucket: is not used any more"]);
  });

  test("and is a secret is named first, without its value", async () => {
    const { warnings } = await parse(
      withLine(
        "bucket: b\nlog_group: c\nimage_operator: x\nimage_manager: y\nimage_cron: z\naws_access_key_id: AKIA1\naws_secret_access_key: s3cret",
      ),
    );
    expect(warnings).toMatchObject([
      {
        message:
          "aws_access_key_id: is not used any more, nor aws_secret_access_key, bucket, log_group, image_operator, image_manager and image_cron",
        hint: expect.stringContaining("remove the key from the file"),
      },
    ]);
    expect(JSON.stringify(warnings)).not.toMatch(/AKIA1|s3cret/);
  });

  test("and a node group says now makes one, with one warning", async () => {
    const { cluster, warnings } = await parse(
      "region: us-east-1\ninstance_type: m5.large\nmin_instances: 2\nspot: true\nspot_config: {on_demand_backup: true, instance_pools: 2}\n",
    );
    expect(cluster.node_groups).toMatchObject([
      {
        name: "default",
        instance_type: "m5.large",
        min_instances: 2,
        max_instances: 5,
        spot_config: { instance_pools: 2 },
      },
    ]);
    expect(warnings).toMatchObject([
      {
        message: "instance_type: stands in a node group since Cortex 0.32",
        hint: "write node_groups: [{name: default, instance_type: ..., min_instances: ..., spot: ..., spot_config: ...}]",
      },
      { message: "spot_config.on_demand_backup: is not used any more" },
    ]);
  });

  test("is checked where it was written", async () => {
    expect(await problemsOf("region: us-east-1\ninstance_type: t3.nano\nmin_instances: 9\n")).toEqual([
      "2:16: instance_type: t3.nano is too small to run anything",
      "3:16: min_instances: 9 is above max_instances (5)",
    ]);
  });

  test("and stands beside node groups is refused with where it went", async () => {
    await expect(parse(withLine("min_instances: 2"))).rejects.toMatchObject({
      message: "min_instances: is not a known key",
      hint: "it moved into the groups: node_groups: [{name: default, min_instances: ...}]",
    });
  });
});
