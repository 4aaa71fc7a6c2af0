import { DescribeRouteTablesCommand, DescribeTagsCommand } from "@aws-sdk/client-ec2";
import { DescribeTagsCommand as ClassicTagsCommand } from "@aws-sdk/client-elastic-load-balancing";
import { DescribeTagsCommand as BalancerTagsCommand } from "@aws-sdk/client-elastic-load-balancing-v2";
import { GetRoleCommand } from "@aws-sdk/client-iam";
import type { Asked } from "../policy-evaluator.ts";
import { actionOf } from "./faults.ts";
import type { Moto } from "./moto-clients.ts";
import { type AwsRequest, isRead, listOf } from "./request.ts";
import type { World } from "./world.ts";

type Tags = readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[] | undefined;

/** @returns everything that IAM would have to allow for a request: each action on each resource that it is about */
export async function askedOfIam(request: AwsRequest, world: World): Promise<readonly Asked[]> {
  const moto = world.moto(request.region);
  const region = request.service === "pricing" ? "us-east-1" : request.region;
  const found = await perService(request, world, moto);
  return found.map((one) => ({ ...one, context: { "aws:RequestedRegion": region, ...one.context } }));
}

type Found = Omit<Asked, "context"> & { readonly context?: Asked["context"] };

async function perService(request: AwsRequest, world: World, moto: Moto): Promise<readonly Found[]> {
  const action = actionOf(request);
  const arn = (rest: string) => `arn:aws:${request.service}:${request.region}:${world.account}:${rest}`;
  const text = (name: string) => request.form.get(name) ?? textIn(request.json, name) ?? "";
  const resource = text("resourceArn");
  switch (request.service) {
    case "ec2":
      return isRead(request) ? [{ action, resource: "*" }] : ofEc2(request, action, arn, moto);
    case "iam":
      return ofIam(request, action, world, moto);
    case "elb":
    case "elbv2":
      return isRead(request) ? [{ action, resource: "*" }] : ofLoadBalancer(request, action, moto);
    case "autoscaling": {
      const group = world.in(request.region).autoScalingGroups.get(text("Tags.member.1.ResourceId"));
      const tags = [...(group?.tags ?? [])].map(([Key, { value: Value }]) => ({ Key, Value }));
      return [
        { action, resource: isRead(request) ? "*" : arn("autoScalingGroup/x"), context: tagsAs("Resource", tags) },
      ];
    }
    case "acm":
      return [{ action, resource: text("CertificateArn") || "*" }];
    case "eks":
      return ofEks(request, action, arn, world);
    case "ecr": {
      const name = text("repositoryName");
      return [{ action, resource: resource || (name ? arn(`repository/${name}`) : "*") }];
    }
    case "logs": {
      const name = text("logGroupName");
      const isWithin = /LogStreams|LogEvents/.test(request.operation);
      const group = name ? arn(`log-group:${name}${isWithin ? ":log-stream:x" : ""}`) : "*";
      return [{ action, resource: resource || group }];
    }
    case "s3": {
      const [, bucket = "", key = ""] = /^\/([^/]+)\/?(.*)$/.exec(request.path) ?? [];
      if (bucket === "") return [{ action, resource: "*" }];
      const isOfObject = action.endsWith("Object");
      return [{ action, resource: `arn:aws:s3:::${bucket}${isOfObject ? `/${key || "x"}` : ""}` }];
    }
    default:
      return [{ action, resource: "*" }];
  }
}

function textIn(json: AwsRequest["json"], name: string): string | undefined {
  const value = json[name];
  return typeof value === "string" ? value : undefined;
}

const kindsOfIds: Readonly<Record<string, string>> = {
  vpc: "vpc",
  subnet: "subnet",
  igw: "internet-gateway",
  eipalloc: "elastic-ip",
  nat: "natgateway",
  rtb: "route-table",
  vpce: "vpc-endpoint",
  sg: "security-group",
  lt: "launch-template",
  eni: "network-interface",
  vol: "volume",
  i: "instance",
};

/** What is made bears the tags of the request, all else those that it has. What is gone already is nothing to be allowed. */
async function ofEc2(
  request: AwsRequest,
  action: string,
  arn: (rest: string) => string,
  moto: Moto,
): Promise<readonly Found[]> {
  const { form, operation } = request;
  const ids = await idsIn(request, moto);
  const standing = await Promise.all(
    ids.map(async (id): Promise<Found[]> => {
      const command = new DescribeTagsCommand({ Filters: [{ Name: "resource-id", Values: [id] }] });
      const tags = (await moto.ec2.send(command)).Tags;
      const kind = kindsOfIds[id.slice(0, id.indexOf("-"))]!;
      return [{ action, resource: arn(`${kind}/${id}`), context: tagsAs("Resource", tags) }];
    }),
  );
  const kind = form.get("TagSpecification.1.ResourceType");
  if (kind === null) return standing.flat();
  const tags: { Key: string; Value: string }[] = [];
  for (let n = 1; form.has(`TagSpecification.1.Tag.${n}.Key`); n += 1) {
    const at = `TagSpecification.1.Tag.${n}`;
    tags.push({ Key: form.get(`${at}.Key`)!, Value: form.get(`${at}.Value`) ?? "" });
  }
  const made = { resource: arn(`${kind}/*`), context: { ...tagsAs("Request", tags), "ec2:CreateAction": operation } };
  return [...standing.flat(), { action, ...made }, { action: "ec2:CreateTags", ...made }];
}

/** Routes lead to gateways, and rules name groups, that the request is not about. */
async function idsIn({ form, operation }: AwsRequest, moto: Moto): Promise<readonly string[]> {
  const association = operation === "DisassociateRouteTable" ? form.get("AssociationId") : null;
  if (association !== null) {
    const Filters = [{ Name: "association.route-table-association-id", Values: [association] }];
    const { RouteTables = [] } = await moto.ec2.send(new DescribeRouteTablesCommand({ Filters }));
    return RouteTables.map(({ RouteTableId }) => RouteTableId!);
  }
  const known = new RegExp(`^(${Object.keys(kindsOfIds).join("|")})-[0-9a-f]{8,}$`);
  const isAbout = (name: string) => {
    if (/Route$/.test(operation)) return name === "RouteTableId";
    return /^Revoke/.test(operation) ? name === "GroupId" : true;
  };
  return [...form].flatMap(([name, value]) => (isAbout(name) && known.test(value) ? [value] : []));
}

function tagsAs(of: "Resource" | "Request", tags: Tags): Record<string, string> {
  return Object.fromEntries((tags ?? []).map(({ Key = "", Value = "" }) => [`aws:${of}Tag/${Key}`, Value]));
}

async function ofLoadBalancer(request: AwsRequest, action: string, moto: Moto): Promise<readonly Found[]> {
  const { form } = request;
  const name = form.get("LoadBalancerName");
  if (name !== null) {
    const found = await moto.elb.send(new ClassicTagsCommand({ LoadBalancerNames: [name] })).catch(() => undefined);
    if (!found) return [];
    const resource = `arn:aws:elasticloadbalancing:${request.region}::loadbalancer/${name}`;
    return [{ action, resource, context: tagsAs("Resource", found.TagDescriptions?.[0]?.Tags) }];
  }
  const resource = form.get("LoadBalancerArn") ?? form.get("TargetGroupArn") ?? "";
  const found = await moto.elbv2.send(new BalancerTagsCommand({ ResourceArns: [resource] })).catch(() => undefined);
  return found ? [{ action, resource, context: tagsAs("Resource", found.TagDescriptions?.[0]?.Tags) }] : [];
}

async function ofIam(request: AwsRequest, action: string, { account }: World, moto: Moto): Promise<readonly Found[]> {
  const { form, operation } = request;
  const RoleName = form.get("RoleName");
  if (RoleName === null) return [{ action, resource: "*" }];
  const resource = `arn:aws:iam::${account}:role/${RoleName}`;
  const role = await moto.iam.send(new GetRoleCommand({ RoleName })).catch(() => undefined);
  const standing = role?.Role?.PermissionsBoundary?.PermissionsBoundaryArn;
  const context = {
    "iam:PolicyARN": form.get("PolicyArn") ?? undefined,
    "iam:PermissionsBoundary": form.get("PermissionsBoundary") ?? standing,
  };
  const marks = operation === "CreateRole" && form.has("Tags.member.1.Key");
  return [{ action, resource, context }, ...(marks ? [{ action: "iam:TagRole", resource }] : [])];
}

/** Roles are passed on with what is made, and so are nodes started. */
function ofEks(
  { json, operation, region }: AwsRequest,
  action: string,
  arn: (rest: string) => string,
  { account }: World,
): readonly Found[] {
  const text = (name: string) => textIn(json, name);
  const cluster = text("clusterName") ?? text("name") ?? "";
  const isNew = operation.startsWith("Create");
  const within =
    (text("nodegroupName") && `nodegroup/${cluster}/${text("nodegroupName")}/x`) ??
    (text("addonName") && `addon/${cluster}/${text("addonName")}/x`) ??
    (text("associationId") && `podidentityassociation/${cluster}/${text("associationId")}`);
  const resource = text("resourceArn") ?? arn(within && !isNew ? within : `cluster/${cluster}`);
  const services = { roleArn: operation === "CreateCluster" ? "eks" : "pods.eks", nodeRole: "ec2" } as const;
  const passed = (["roleArn", "nodeRole"] as const).flatMap((name): Found[] => {
    const role = text(name);
    const context = { "iam:PassedToService": `${services[name]}.amazonaws.com` };
    return role === undefined ? [] : [{ action: "iam:PassRole", resource: role, context }];
  });
  const nodes = { action: "ec2:RunInstances", resource: `arn:aws:ec2:${region}:${account}:instance/*` };
  return [
    { action, resource },
    ...(isNew && json.tags ? [{ action: "eks:TagResource", resource: arn(within ?? `cluster/${cluster}`) }] : []),
    ...passed,
    ...(operation === "CreateNodegroup" ? [nodes] : []),
  ];
}

/** @returns what is asked by a simulation, which says itself what the request would carry */
export function simulated({ form }: AwsRequest): readonly Asked[] {
  const context: Record<string, string> = {};
  for (let n = 1; form.has(`ContextEntries.member.${n}.ContextKeyName`); n += 1) {
    const at = `ContextEntries.member.${n}`;
    context[form.get(`${at}.ContextKeyName`)!] = form.get(`${at}.ContextKeyValues.member.1`) ?? "";
  }
  const [resource = "*"] = listOf(form, "ResourceArns.member");
  return listOf(form, "ActionNames.member").map((action) => ({ action, resource, context }));
}
