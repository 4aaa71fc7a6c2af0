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
    prometheus_instance_type: "t3.medium",
    telemetry: false,
  });
});

describe("a node group is refused with", () => {
  test.each<[line: string, ...problems: string[]]>([
    ["min_instances: 6", "5:20: node_groups[0].min_instances: 6 is above max_instances (5)"],
    ["priority: 101", "5:15: node_groups[0].priority: 101 is out of range"],
    ["instance_volume_size: 19", "5:27: node_groups[0].instance_volume_size: 19 is out of range"],
    ["instance_volume_type: ssd", '5:27: node_groups[0].instance_volume_type: "ssd" is not allowed'],
    ["spot_config: {instance_pools: 2}", "5:5: node_groups[0].spot_config: goes with spot: true only"],
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
      "3:10: subnets: has 1 items; it needs at least 2, at most 6",
    ],
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

test("keys of older releases are dropped with a warning, or refused with where they went", async () => {
  const { warnings } = await parse(withLine("bucket: b\nimage_operator: x\nimage_manager: y"));
  expect(warnings.map(shown)).toEqual([
    "3:1: bucket: is not used any more",
    "4:1: image_operator: is not used any more (and 1 more in this file)",
  ]);
  await expect(parse(withLine("min_instances: 2"))).rejects.toMatchObject({
    message: "min_instances: is not a known key",
    hint: "it moved into the groups: node_groups: [{name: default, min_instances: ...}]",
  });
});
