import { bodyText, json, Refused, type Reply, xml } from "./reply.ts";
import type { AwsRequest } from "./request.ts";
import { type Element, parseXml, printXml, textAt } from "./xml.ts";

/** What was made and is not seen yet by those who ask: eventual consistency. */
export interface Unseen {
  /** Hides what the answer of a creating call tells of from the next `count` calls that would see it. */
  hide(request: AwsRequest, reply: Reply, count: number): void;
  /** @throws Refused NotFound, in the service's words, for a call that names something unseen */
  check(request: AwsRequest): void;
  /** @returns the answer without what is unseen */
  filter(request: AwsRequest, reply: Reply): Reply;
}

interface Kind {
  readonly service: string;
  readonly create: string;
  /** The call that lists it. */
  readonly list: string;
  /** In XML: the element that holds its id. In JSON and elsewhere: the parameter that holds its name. */
  readonly field: string;
  readonly notFound: readonly [code: string, status: number];
}

function ec2(create: string, list: string, field: string, code: string): Kind {
  return { service: "ec2", create, list, field, notFound: [code, 400] };
}

const kinds: readonly Kind[] = [
  ec2("CreateVpc", "DescribeVpcs", "vpcId", "InvalidVpcID.NotFound"),
  ec2("CreateSubnet", "DescribeSubnets", "subnetId", "InvalidSubnetID.NotFound"),
  ec2("CreateInternetGateway", "DescribeInternetGateways", "internetGatewayId", "InvalidInternetGatewayID.NotFound"),
  ec2("CreateNatGateway", "DescribeNatGateways", "natGatewayId", "NatGatewayNotFound"),
  ec2("CreateRouteTable", "DescribeRouteTables", "routeTableId", "InvalidRouteTableID.NotFound"),
  ec2("CreateVpcEndpoint", "DescribeVpcEndpoints", "vpcEndpointId", "InvalidVpcEndpointId.NotFound"),
  ec2("CreateSecurityGroup", "DescribeSecurityGroups", "groupId", "InvalidGroup.NotFound"),
  ec2("CreateLaunchTemplate", "DescribeLaunchTemplates", "launchTemplateId", "InvalidLaunchTemplateId.NotFound"),
  ec2("AllocateAddress", "DescribeAddresses", "allocationId", "InvalidAllocationID.NotFound"),
  { service: "iam", create: "CreateRole", list: "ListRoles", field: "RoleName", notFound: ["NoSuchEntity", 404] },
  {
    service: "eks",
    create: "CreateCluster",
    list: "ListClusters",
    field: "name",
    notFound: ["ResourceNotFoundException", 404],
  },
  {
    service: "eks",
    create: "CreateNodegroup",
    list: "ListNodegroups",
    field: "nodegroupName",
    notFound: ["ResourceNotFoundException", 404],
  },
  {
    service: "eks",
    create: "CreateAddon",
    list: "ListAddons",
    field: "addonName",
    notFound: ["ResourceNotFoundException", 404],
  },
  {
    service: "logs",
    create: "CreateLogGroup",
    list: "DescribeLogGroups",
    field: "logGroupName",
    notFound: ["ResourceNotFoundException", 400],
  },
  {
    service: "ecr",
    create: "CreateRepository",
    list: "DescribeRepositories",
    field: "repositoryName",
    notFound: ["RepositoryNotFoundException", 400],
  },
  { service: "s3", create: "CreateBucket", list: "ListBuckets", field: "bucket", notFound: ["NoSuchBucket", 404] },
];

interface Hidden {
  readonly kind: Kind;
  readonly name: string;
  /** By the emulator's clock. */
  readonly until: number;
  left: number;
}

/** AWS agrees with itself within seconds, whether anybody looks or not. */
const longestMs = 10_000;

/** Whether a call that makes something is one whose result can be hidden. */
export function canBeUnseen({ service, operation }: Pick<AwsRequest, "service" | "operation">): boolean {
  return kinds.some((kind) => kind.service === service && kind.create === operation);
}

export function createUnseen(now: () => number): Unseen {
  let hidden: Hidden[] = [];
  const see = (one: Hidden) => {
    one.left -= 1;
    if (one.left <= 0) hidden = hidden.filter((other) => other !== one);
  };
  return {
    hide(request, reply, count) {
      const kind = kinds.find(({ service, create }) => service === request.service && create === request.operation);
      const name = kind && nameOf(kind, request, reply);
      if (kind && name) hidden.push({ kind, name, left: count, until: now() + longestMs });
    },
    check(request) {
      hidden = hidden.filter(({ until }) => until > now());
      for (const one of hidden) {
        const { kind, name } = one;
        if (kind.service !== request.service || request.operation === kind.create || !names(request, kind, name))
          continue;
        see(one);
        throw new Refused(kind.notFound[0], `${name} does not exist`, kind.notFound[1]);
      }
    },
    filter(request, reply) {
      let shown = reply;
      for (const one of hidden) {
        const { kind, name } = one;
        if (kind.service !== request.service || kind.list !== request.operation || reply.status !== 200) continue;
        if (!bodyText(shown).includes(name)) continue;
        see(one);
        shown = without(kind, name, shown);
      }
      return shown;
    },
  };
}

function nameOf({ service, field }: Kind, request: AwsRequest, reply: Reply): string | undefined {
  if (service === "ec2") return new RegExp(`<${field}>([^<]+)</${field}>`).exec(bodyText(reply))?.[1];
  if (service === "s3") return request.path.split("/")[1];
  return request.form.get(field) ?? (request.json[field] as string | undefined);
}

function names({ form, json, path }: AwsRequest, { service, field }: Kind, name: string): boolean {
  if (service === "ec2") return [...form].some(([key, value]) => value === name && !/^Filter\./.test(key));
  if (service === "s3") return path.split("/")[1] === name;
  return form.get(field) === name || json[field] === name || (field === "name" && json.clusterName === name);
}

function without({ service, field }: Kind, name: string, reply: Reply): Reply {
  if (service === "eks" || service === "logs" || service === "ecr")
    return json(filterJson(JSON.parse(bodyText(reply)), name));
  const root = parseXml(bodyText(reply));
  const prune = (parent: Element) => {
    parent.children = parent.children.filter((child) => {
      const isItem = ["item", "member", "Bucket"].includes(child.name);
      const own = textAt(child, service === "s3" ? "Name" : field);
      return !(isItem && own === name);
    });
    parent.children.forEach(prune);
  };
  prune(root);
  return xml(200, printXml(root));
}

function filterJson(value: unknown, name: string): unknown {
  if (Array.isArray(value)) {
    const isIt = (one: unknown) => one === name || (isObject(one) && Object.values(one).includes(name));
    return value.filter((one) => !isIt(one)).map((one) => filterJson(one, name));
  }
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, filterJson(one, name)]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
