import { defaultIamPolicies } from "../default-iam-policies.ts";
import { regionLimits, regionPattern, regionProblem } from "../regions.ts";
import { list, object } from "../shape/collections.ts";
import { defaulted, optional, required } from "../shape/field.ts";
import type { Values } from "../shape/shape.ts";
import { boolean, choice, integer, number, text } from "../shape/values.ts";
import { clusterNameLimits, clusterNamePattern } from "./cluster-name.ts";
import { awsTags } from "./tags.ts";

const name = (limits: string, maxLength: number, pattern: RegExp) => text({ type: "name", limits, maxLength, pattern });

const instanceType = text({
  type: "instance type",
  limits: "as AWS names them, for example m5.large",
  pattern: /^[a-z][-a-z0-9]*\.[-a-z0-9]+$/,
  parse(written) {
    const [family = "", size = ""] = written.split(".");
    const hint = "choose another instance type";
    if (!sizes.test(size)) {
      const known = "sizes are medium, large, xlarge, 2xlarge …, metal";
      return { cause: `${written} has no size that there is`, hint: known };
    }
    if (size === "nano" || size === "micro") return { cause: `${written} is too small to run anything`, hint };
    const unsupported = unsupportedFamilies.find(({ pattern }) => pattern.test(family));
    return unsupported ? { cause: `${written} has ${unsupported.has}, which is not supported`, hint } : written;
  },
});

const sizes = /^(?:nano|micro|small|medium|large|[0-9]*xlarge|metal(?:-[0-9]+xl)?)$/;

const unsupportedFamilies = [
  { pattern: /^g4ad$/, has: "AMD GPUs" },
  { pattern: /^(?:f1|f2|vt1)$/, has: "FPGAs" },
  { pattern: /^mac/, has: "macOS" },
  { pattern: /^dl[12]/, has: "Gaudi accelerators" },
  { pattern: /^trn/, has: "Trainium chips" },
];

const spotConfig = object({
  instance_distribution: optional(list(instanceType, { max: 20 }), {
    description: "Other instance types to take, each with at least the processors, memory and GPUs of `instance_type`.",
    defaultText: "instance_type only",
  }),
  on_demand_base_capacity: defaulted(integer({ min: 0, max: 1000 }), {
    description: "Instances to take on demand before any on the spot market.",
    fallback: 0,
    written: 0,
  }),
  on_demand_percentage_above_base_capacity: defaulted(integer({ min: 0, max: 100 }), {
    description: "Percentage of the other instances to take on demand.",
    fallback: 0,
    written: 0,
  }),
  max_price: optional(number({ above: 0, max: 10_000 }), {
    description: "Highest price per hour in US dollars.",
    defaultText: "the on-demand price of instance_type",
  }),
  instance_pools: optional(integer({ min: 1, max: 20 }), {
    description: "Spot pools to spread the instances over.",
    defaultText: "the number of instance types",
  }),
});

const nodeGroup = object(
  {
    name: required(
      name("lower case letters, digits and dashes, at most 26 characters", 26, /^[a-z]([-a-z0-9]*[a-z0-9])?$/),
      {
        description: "Name, once per cluster.",
        example: "name: cpu",
      },
    ),
    instance_type: required(instanceType, { description: "EC2 instance type.", example: "instance_type: m5.large" }),
    min_instances: defaulted(integer({ min: 0, max: 1000 }), {
      description: "Fewest instances.",
      fallback: 1,
      written: 1,
    }),
    max_instances: defaulted(integer({ min: 0, max: 1000 }), {
      description: "Most instances, at least `min_instances`; above 0 when the cluster is made.",
      fallback: 5,
      written: 5,
    }),
    priority: defaulted(integer({ min: 1, max: 100 }), {
      description: "Among groups that could run something, the one with the highest number grows first.",
      fallback: 1,
      written: 1,
    }),
    instance_volume_size: defaulted(integer({ min: 20, max: 16_384 }), {
      description: "Disk of each instance in GB.",
      fallback: 50,
      written: 50,
    }),
    instance_volume_type: defaulted(choice("gp2", "gp3", "io1", "st1", "sc1"), {
      description: "Kind of disk.",
      fallback: "gp3",
      written: "gp3",
    }),
    instance_volume_iops: optional(integer({ min: 100, max: 64_000 }), {
      description: "Operations per second of the disk, for gp3 and io1.",
      defaultText: "3000 for gp3 and io1",
    }),
    instance_volume_throughput: optional(integer({ min: 125, max: 1000 }), {
      description: "Throughput of the disk in MB per second, for gp3.",
      defaultText: "125 for gp3",
    }),
    spot: defaulted(boolean(), { description: "Takes spot instances.", fallback: false, written: false }),
    spot_config: optional(spotConfig, { description: "How spot instances are chosen; only with `spot: true`." }),
  },
  "node group",
);

const subnet = object(
  {
    availability_zone: required(text(), {
      description: "Zone of the subnet.",
      example: "availability_zone: us-east-1a",
    }),
    subnet_id: required(text({ type: "subnet id", pattern: /^subnet-[0-9a-f]+$/ }), {
      description: "An existing subnet.",
      example: "subnet_id: subnet-060f3961c876872ae",
    }),
  },
  "subnet",
);

const cidrLimits = {
  type: "CIDR block",
  limits: "for example 10.0.0.0/16",
  pattern: /^(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?:\.(?!\/)|(?=\/))){4}\/(?:3[0-2]|[12]?[0-9])$/,
};
const cidr = text(cidrLimits);
/** A larger one AWS does not take, a smaller one has no room for subnets of three zones. */
const networkCidr = text({
  ...cidrLimits,
  limits: "/16 to /24, for example 10.0.0.0/16",
  parse(written) {
    const size = Number(written.split("/")[1]);
    if (size >= 16 && size <= 24) return written;
    return { cause: `${written} is out of range`, hint: "choose one between /16 and /24, for example 10.0.0.0/16" };
  },
});
const scheme = choice("internet-facing", "internal");
const arn = (service: string, example: string) =>
  text({ type: "ARN", limits: `for example ${example}`, pattern: new RegExp(`^arn:aws[-a-z]*:${service}:.+$`) });

const whiteList = (what: string) =>
  optional(list(cidr, { max: 100 }), { description: `Address ranges that may reach ${what}.`, defaultText: "all" });
const loadBalancerScheme = (what: string) =>
  defaulted(scheme, {
    description: `Whether ${what} can be reached from the internet.`,
    fallback: "internet-facing",
    written: "internet-facing",
  });

const region = text({
  type: "region",
  limits: regionLimits,
  pattern: regionPattern,
  parse(written) {
    const hint = regionProblem(written);
    return hint === undefined ? written : { cause: `"${written}" is not a valid region`, hint };
  },
});

/** Everything that cluster.yaml may hold. */
export const clusterFields = {
  cluster_name: defaulted(name(clusterNameLimits, 54, clusterNamePattern), {
    description: "Name of the cluster; names of what it consists of begin with it.",
    fallback: "cortex",
    written: "cortex",
  }),
  region: required(region, { description: "AWS region.", example: "region: us-east-1" }),
  availability_zones: optional(list(text(), { min: 2, max: 6 }), {
    description: "Zones to use; each must offer all instance types.",
    defaultText: "three that offer them",
  }),
  node_groups: required(list(nodeGroup, { min: 1, max: 100 }), {
    description: "Groups of instances that APIs run on.",
    example: "node_groups: [{name: cpu, instance_type: m5.large}]",
  }),
  subnet_visibility: defaulted(choice("public", "private"), {
    description: "Whether instances have public addresses.",
    fallback: "public",
    written: "public",
  }),
  nat_gateway: optional(choice("none", "single", "highly_available"), {
    description: "How private instances reach the internet; they need it, except in your own subnets.",
    defaultText: "none, or single with private subnets",
  }),
  subnets: optional(list(subnet, { min: 2, max: 6 }), {
    description: "Existing subnets to use. Not together with `availability_zones` and `nat_gateway`.",
  }),
  vpc_cidr: defaulted(networkCidr, {
    description: "Address range of the network that is made.",
    fallback: "192.168.0.0/16",
    written: "192.168.0.0/16",
  }),
  api_load_balancer_type: defaulted(choice("nlb", "elb"), {
    description: "Kind of load balancer before the APIs.",
    fallback: "nlb",
    written: "nlb",
  }),
  api_load_balancer_scheme: loadBalancerScheme("the APIs"),
  api_load_balancer_cidr_white_list: whiteList("the APIs"),
  operator_load_balancer_scheme: loadBalancerScheme("the Kubernetes API server"),
  operator_load_balancer_cidr_white_list: whiteList("the Kubernetes API server"),
  ssl_certificate_arn: optional(arn("acm", "arn:aws:acm:us-east-1:123456789012:certificate/1a2b"), {
    description: "Certificate for HTTPS on your own domain.",
  }),
  iam_policy_arns: defaulted(list(arn("iam", "arn:aws:iam::aws:policy/AmazonS3FullAccess"), { max: 10 }), {
    description: "What instances may do in AWS.",
    fallback: [...defaultIamPolicies],
    written: [...defaultIamPolicies],
  }),
  tags: defaulted(awsTags(), {
    description: "AWS tags to put on everything.",
    fallback: {},
    written: {},
  }),
  iam_permissions_boundary_arn: optional(arn("iam", "arn:aws:iam::123456789012:policy/boundary"), {
    description: "Policy that bounds the rights of every role that is made, where an organisation asks for one.",
  }),
  kubernetes_version: optional(
    text({ type: "Kubernetes version", limits: "for example 1.35", pattern: /^1\.[0-9]{2}$/ }),
    {
      description: "Version a new cluster begins with; `cortex cluster upgrade` raises it later.",
      example: "kubernetes_version: 1.35",
      defaultText: "1.35, or that of the cluster that is there",
    },
  ),
} as const;

export type ClusterValues = Values<typeof clusterFields>;
