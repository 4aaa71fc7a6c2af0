import { json, Refused, type Reply } from "./reply.ts";
import type { Handlers, Handling } from "./world.ts";

interface Quota {
  readonly service: string;
  readonly code: string;
  readonly name: string;
  readonly value: number;
}

/** Defaults that AWS gives a new account, as far as a cluster meets them. */
const defaults: readonly Quota[] = [
  {
    service: "ec2",
    code: "L-1216C47A",
    name: "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances",
    value: 64,
  },
  {
    service: "ec2",
    code: "L-34B43A08",
    name: "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests",
    value: 64,
  },
  { service: "ec2", code: "L-DB2E81BA", name: "Running On-Demand G and VT instances", value: 16 },
  { service: "ec2", code: "L-3819A6DF", name: "All G and VT Spot Instance Requests", value: 16 },
  { service: "ec2", code: "L-417A185B", name: "Running On-Demand P instances", value: 16 },
  { service: "ec2", code: "L-7212CCBC", name: "All P4, P3 and P2 Spot Instance Requests", value: 16 },
  { service: "ec2", code: "L-1945791B", name: "Running On-Demand Inf instances", value: 16 },
  { service: "ec2", code: "L-B5D1601B", name: "All Inf Spot Instance Requests", value: 16 },
  { service: "ec2", code: "L-74FC7D96", name: "Running On-Demand F instances", value: 8 },
  { service: "ec2", code: "L-7295265B", name: "Running On-Demand X instances", value: 8 },
  { service: "ec2", code: "L-0263D0A3", name: "EC2-VPC Elastic IPs", value: 5 },
  { service: "vpc", code: "L-F678F1CE", name: "VPCs per Region", value: 5 },
  { service: "vpc", code: "L-A4707A72", name: "Internet gateways per Region", value: 5 },
  { service: "vpc", code: "L-FE5A380F", name: "NAT gateways per Availability Zone", value: 5 },
  { service: "vpc", code: "L-E79EC296", name: "VPC security groups per Region", value: 2500 },
  { service: "vpc", code: "L-0EA8095F", name: "Inbound or outbound rules per security group", value: 60 },
  { service: "vpc", code: "L-407747CB", name: "Subnets per VPC", value: 200 },
  { service: "eks", code: "L-1194D53C", name: "Clusters", value: 100 },
  { service: "eks", code: "L-6D54EA21", name: "Managed node groups per cluster", value: 30 },
  { service: "eks", code: "L-BD136A63", name: "Nodes per managed node group", value: 450 },
  { service: "elasticloadbalancing", code: "L-69A177A2", name: "Network Load Balancers per Region", value: 50 },
  { service: "elasticloadbalancing", code: "L-E9E9831D", name: "Classic Load Balancers per Region", value: 20 },
  { service: "iam", code: "L-FE177D64", name: "Roles per account", value: 1000 },
];

export const quotaHandlers: Handlers = {
  GetServiceQuota: (handling) => one(handling, true),
  GetAWSDefaultServiceQuota: (handling) => one(handling, false),
  ListServiceQuotas: (handling) => {
    const { ServiceCode } = handling.request.json;
    const found = defaults.filter(({ service }) => service === ServiceCode);
    return json({ Quotas: found.map((quota) => shown(handling, quota, true)) });
  },
};

function one(handling: Handling, isApplied: boolean): Reply {
  const { ServiceCode, QuotaCode } = handling.request.json;
  const found = defaults.find(({ service, code }) => service === ServiceCode && code === QuotaCode);
  if (found === undefined) throw new Refused("NoSuchResourceException", `no quota ${QuotaCode} of ${ServiceCode}`);
  return json({ Quota: shown(handling, found, isApplied) });
}

function shown({ world, request }: Handling, { service, code, name, value }: Quota, isApplied: boolean) {
  return {
    ServiceCode: service,
    QuotaCode: code,
    QuotaName: name,
    QuotaArn: `arn:aws:servicequotas:${request.region}:${world.account}:${service}/${code}`,
    Value: (isApplied ? world.options.quotas[code] : undefined) ?? value,
    Unit: "None",
    Adjustable: true,
    GlobalQuota: service === "iam",
  };
}
