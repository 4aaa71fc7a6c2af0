import type { Aws } from "../../aws/aws.ts";
import { awsErrorName } from "../../aws/refusal.ts";
import { CortexError } from "../../core/errors.ts";
import type { Cluster } from "../../spec/parse-cluster.ts";
import type { Facts, InstanceType } from "../facts.ts";
import { pagesByToken } from "../pages.ts";
import { sharesOf } from "../shares.ts";
import { type NodeGroup, systemGroup } from "../system-group.ts";
import type { Finding, Findings } from "./findings.ts";
import { processorQuota, type Quota, quotas } from "./quota-list.ts";
import { readUsage, type Usage } from "./usage.ts";

/** What a cluster takes of one limit. */
export interface Demand {
  readonly quota: Quota;
  /** Of everybody in the account, this cluster as it is included. */
  readonly used: number;
  /** More that must be had at once. */
  readonly more: number;
  /** More that it may come to take; nothing fails beforehand when it is not there. */
  readonly mostMore?: number;
  /** Which zone, where each has its own limit. */
  readonly where?: string;
}

export interface QuotaQuestion {
  readonly cluster: Cluster;
  readonly facts: Facts;
  /** Ids of the resources that are going to be made. */
  readonly creates: readonly string[];
}

/** Whether the account may have what a plan makes. */
export async function checkQuotas(aws: Aws, question: QuotaQuestion, signal: AbortSignal): Promise<Findings> {
  try {
    const usage = await readUsage(aws, question.cluster.cluster_name, signal);
    const demands = demandsOf(question, usage);
    const limits = await readLimits(
      aws,
      demands.map(({ quota }) => quota),
      signal,
    );
    return judgeQuotas(demands, limits, aws.region);
  } catch (error) {
    if (!(error instanceof CortexError && error.code === "NOT_AUTHORISED")) throw error;
    return { findings: [], warnings: [`the quotas of the account were not looked at beforehand: ${error.message}`] };
  }
}

/** Pure. */
export function demandsOf({ cluster, facts, creates }: QuotaQuestion, usage: Usage): readonly Demand[] {
  const making = (kind: string) => creates.filter((id) => id === kind || id.startsWith(`${kind}/`));
  const zonesOfNats = making("nat-gateway").map((id) => id.slice(id.indexOf("/") + 1));
  const counted: readonly Demand[] = [
    { quota: quotas.vpcs, used: usage.vpcs, more: making("vpc").length },
    { quota: quotas.internetGateways, used: usage.internetGateways, more: making("internet-gateway").length },
    { quota: quotas.addresses, used: usage.addresses, more: making("nat-address").length },
    ...zonesOfNats.map((where) => ({
      quota: quotas.natGateways,
      used: usage.natGateways.get(where) ?? 0,
      more: 1,
      where,
    })),
    { quota: quotas.clusters, used: usage.clusters, more: making("control-plane").length },
    {
      quota: quotas.networkLoadBalancers,
      used: usage.networkLoadBalancers,
      more: cluster.api_load_balancer_type === "nlb" ? making("control-plane").length : 0,
    },
  ];
  return [
    ...counted.filter(({ more }) => more > 0),
    ...(making("node-group").length > 0 ? [nodeGroupDemand(cluster, facts)] : []),
    ...processorDemands(allGroups(cluster, facts), facts.instanceTypes, usage),
  ];
}

function allGroups(cluster: Cluster, facts: Facts): readonly NodeGroup[] {
  const system = systemGroup(cluster, facts.instanceTypes);
  return system ? [...cluster.node_groups, system] : cluster.node_groups;
}

/** A spot group that takes some instances on demand is two groups of EKS. */
function nodeGroupDemand(cluster: Cluster, facts: Facts): Demand {
  const groups = allGroups(cluster, facts);
  const mixed = groups.filter(
    ({ spot, spot_config: config }) =>
      spot &&
      ((config?.on_demand_base_capacity ?? 0) > 0 || (config?.on_demand_percentage_above_base_capacity ?? 0) > 0),
  );
  return { quota: quotas.nodeGroups, used: 0, more: groups.length + mixed.length };
}

function processorDemands(
  groups: readonly NodeGroup[],
  types: ReadonlyMap<string, InstanceType>,
  { processors }: Usage,
): readonly Demand[] {
  const wanted = new Map<string, { quota: Quota; min: number; max: number }>();
  for (const group of groups) {
    const vcpus = types.get(group.instance_type)?.vcpus ?? 0;
    for (const { market, min, max } of sharesOf(group)) {
      const quota = max > 0 ? processorQuota(group.instance_type, market) : undefined;
      if (!quota) continue;
      const sum = wanted.get(quota.code) ?? { quota, min: 0, max: 0 };
      wanted.set(quota.code, { quota, min: sum.min + min * vcpus, max: sum.max + max * vcpus });
    }
  }
  return [...wanted.values()].map(({ quota, min, max }) => {
    const { all = 0, ours = 0 } = processors.get(quota.code) ?? {};
    return { quota, used: all, more: Math.max(0, min - ours), mostMore: Math.max(0, max - ours) };
  });
}

/** Pure. @param limits by code; one that is not in it is not judged */
export function judgeQuotas(demands: readonly Demand[], limits: ReadonlyMap<string, number>, region: string): Findings {
  const findings: Finding[] = [];
  const warnings: string[] = [];
  for (const { quota, used, more, mostMore = more, where } of demands) {
    const limit = limits.get(quota.code);
    if (limit === undefined) continue;
    const name = where === undefined ? quota.name : `${quota.name}, ${where}`;
    const taken = used > 0 ? `${used} of ${limit} are in use` : `${limit} is the most`;
    if (more > 0 && used + more > limit) {
      const hint = `ask AWS for ${used + more}: ${consoleAddress(quota, region)}`;
      findings.push({ code: "NO_CAPACITY", message: `${name}: ${taken}, and ${more} more are needed`, hint });
    } else if (used + mostMore > limit) {
      warnings.push(
        `${name}: ${taken}, and this cluster may come to need ${mostMore} more: ${consoleAddress(quota, region)}`,
      );
    }
  }
  return { findings, warnings };
}

function consoleAddress({ service, code }: Quota, region: string): string {
  return `https://${region}.console.aws.amazon.com/servicequotas/home/services/${service}/quotas/${code}`;
}

/** @returns what the account may have, by code; a limit that AWS does not tell is not in it */
async function readLimits(
  aws: Aws,
  wanted: readonly Quota[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const services = [...new Set(wanted.map(({ service }) => service))];
  const applied = new Map((await Promise.all(services.map((service) => appliedLimits(aws, service, signal)))).flat());
  const missing = new Map(wanted.filter(({ code }) => !applied.has(code)).map((quota) => [quota.code, quota]));
  const usual = await Promise.all([...missing.values()].map((quota) => usualLimit(aws, quota, signal)));
  return new Map([...applied, ...usual.flat()]);
}

async function appliedLimits(aws: Aws, ServiceCode: string, signal: AbortSignal): Promise<[string, number][]> {
  const service = await aws.quotas();
  const pages = await pagesByToken((NextToken) =>
    service.listServiceQuotas({ ServiceCode, MaxResults: 100, NextToken }, signal),
  );
  return pages.flatMap(({ Quotas = [] }) =>
    Quotas.flatMap(({ QuotaCode: code, Value: value }): [string, number][] =>
      code === undefined || value === undefined ? [] : [[code, value]],
    ),
  );
}

async function usualLimit(aws: Aws, { service, code }: Quota, signal: AbortSignal): Promise<[string, number][]> {
  try {
    const { Quota } = await (await aws.quotas()).getAWSDefaultServiceQuota(
      { ServiceCode: service, QuotaCode: code },
      signal,
    );
    return Quota?.Value === undefined ? [] : [[code, Quota.Value]];
  } catch (error) {
    if (awsErrorName(error) === "NoSuchResourceException") return [];
    throw error;
  }
}
