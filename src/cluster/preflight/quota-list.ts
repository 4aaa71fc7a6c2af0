import type { Market } from "../shares.ts";

/** A limit of AWS per account and region. */
export interface Quota {
  readonly service: "ec2" | "vpc" | "eks" | "elasticloadbalancing";
  readonly code: string;
  /** For people. */
  readonly name: string;
}

export const quotas = {
  addresses: { service: "ec2", code: "L-0263D0A3", name: "Elastic IP addresses" },
  vpcs: { service: "vpc", code: "L-F678F1CE", name: "VPCs" },
  internetGateways: { service: "vpc", code: "L-A4707A72", name: "internet gateways" },
  natGateways: { service: "vpc", code: "L-FE5A380F", name: "NAT gateways per zone" },
  clusters: { service: "eks", code: "L-1194D53C", name: "EKS clusters" },
  nodeGroups: { service: "eks", code: "L-6D54EA21", name: "managed node groups per cluster" },
  nodes: { service: "eks", code: "L-BD136A63", name: "nodes per managed node group" },
  networkLoadBalancers: { service: "elasticloadbalancing", code: "L-69A177A2", name: "network load balancers" },
} as const satisfies Readonly<Record<string, Quota>>;

interface Family {
  readonly name: string;
  readonly pattern: RegExp;
  readonly onDemand: string;
  /** Absent: none are sold on the spot market. */
  readonly spot?: string;
}

/** AWS counts processors, not instances, by families. The first that fits; `inf` and `hpc` before the letters they begin with. */
const families: readonly Family[] = [
  { name: "Inf", pattern: /^inf\d/, onDemand: "L-1945791B", spot: "L-B5D1601B" },
  { name: "HPC", pattern: /^hpc\d/, onDemand: "L-F7808C92" },
  { name: "G and VT", pattern: /^(g|gr|vt)\d/, onDemand: "L-DB2E81BA", spot: "L-3819A6DF" },
  { name: "P5", pattern: /^p[5-9]/, onDemand: "L-417A185B", spot: "L-C4BD4855" },
  { name: "P", pattern: /^p\d/, onDemand: "L-417A185B", spot: "L-7212CCBC" },
  { name: "X", pattern: /^x\d/, onDemand: "L-7295265B", spot: "L-E3A00192" },
  { name: "High Memory", pattern: /^u\d*-/, onDemand: "L-43DA4232" },
  {
    name: "Standard (A, C, D, H, I, M, R, T, Z)",
    pattern: /^([acdhimrtz]\d|is\d|im\d)/,
    onDemand: "L-1216C47A",
    spot: "L-34B43A08",
  },
];

/** @returns the limit on processors of instances of this type; undefined: none is known */
export function processorQuota(instanceType: string, market: Market): Quota | undefined {
  const family = families.find(({ pattern }) => pattern.test(instanceType));
  const code = market === "spot" ? family?.spot : family?.onDemand;
  if (!family || code === undefined) return undefined;
  // The newest P instances have their own limit on the spot market only.
  const name = market === "on-demand" && family.name === "P5" ? "P" : family.name;
  return { service: "ec2", code, name: `processors of ${market} ${name} instances` };
}
