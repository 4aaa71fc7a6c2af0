import type { RouteTable, Subnet } from "@aws-sdk/client-ec2";
import type { Aws } from "../../aws/aws.ts";
import type { Cluster } from "../../spec/parse-cluster.ts";
import type { Facts } from "../facts.ts";
import type { Finding } from "./findings.ts";

type OwnNetwork = NonNullable<Facts["ownNetwork"]>;

export interface OwnNetworkReading {
  readonly network?: OwnNetwork;
  readonly findings: readonly Finding[];
}

/** Addresses that a control plane takes in each of its subnets, with room for its updates. */
const fewestAddresses = 16;

/** Looks at the subnets that the user named. @returns no network with findings that say why it cannot be used */
export async function readOwnNetwork(
  aws: Aws,
  cluster: Pick<Cluster, "subnets" | "subnet_visibility">,
  signal: AbortSignal,
): Promise<OwnNetworkReading> {
  const wanted = cluster.subnets ?? [];
  const ec2 = await aws.ec2();
  // By filter: asked for by id, one that does not exist hides all others.
  const ids = wanted.map(({ subnet_id }) => subnet_id);
  const { Subnets: subnets = [] } = await ec2.describeSubnets(
    { Filters: [{ Name: "subnet-id", Values: ids }] },
    signal,
  );
  const vpcs = [...new Set(subnets.flatMap(({ VpcId }) => VpcId ?? []))];
  if (vpcs.length === 0) return judgeOwnNetwork(cluster, subnets, [], aws.region);
  const { RouteTables: tables = [] } = await ec2.describeRouteTables(
    { Filters: [{ Name: "vpc-id", Values: vpcs }] },
    signal,
  );
  return judgeOwnNetwork(cluster, subnets, tables, aws.region);
}

/** Pure. */
export function judgeOwnNetwork(
  cluster: Pick<Cluster, "subnets" | "subnet_visibility">,
  subnets: readonly Subnet[],
  tables: readonly RouteTable[],
  region: string,
): OwnNetworkReading {
  const wanted = cluster.subnets ?? [];
  const findings: Finding[] = [];
  const found: OwnNetwork["subnets"][number][] = [];
  for (const { subnet_id: id, availability_zone: zone } of wanted) {
    const subnet = subnets.find(({ SubnetId }) => SubnetId === id);
    if (!subnet) {
      findings.push(invalid(`there is no ${id} in ${region}`, "see `aws ec2 describe-subnets`, and the region"));
      continue;
    }
    const isPublic = leadsToTheInternet(subnet, tables);
    found.push({ id, zone: subnet.AvailabilityZone ?? zone, isPublic });
    findings.push(...findingsOf({ ...subnet, SubnetId: id }, zone, isPublic, cluster.subnet_visibility === "public"));
  }
  const vpcs = [...new Set(subnets.flatMap(({ VpcId }) => VpcId ?? []))];
  if (vpcs.length > 1) {
    findings.push(invalid(`they lie in ${vpcs.length} networks: ${vpcs.join(", ")}`, "name subnets of one network"));
  }
  if (findings.length > 0) return { findings };
  return { network: { vpcId: vpcs[0]!, subnets: found }, findings };
}

function findingsOf(
  { SubnetId: id, AvailabilityZone: zone, AvailableIpAddressCount: free, MapPublicIpOnLaunch: givesAddresses }: Subnet,
  written: string,
  isPublic: boolean,
  wantsPublic: boolean,
): readonly Finding[] {
  const findings: Finding[] = [];
  if (zone !== written) findings.push(invalid(`${id} lies in ${zone}, not in ${written}`, `write ${zone}`));
  if (free !== undefined && free < fewestAddresses) {
    const message = `${id} has ${free} addresses left, and a control plane needs ${fewestAddresses}`;
    findings.push(invalid(message, "choose a larger subnet"));
  }
  if (wantsPublic && !isPublic) {
    const hint = "write subnet_visibility: private, or choose subnets that route to an internet gateway";
    findings.push(invalid(`${id} has no route to an internet gateway, and subnet_visibility is public`, hint));
  } else if (wantsPublic && givesAddresses === false) {
    const hint = "turn on auto-assign public IPv4 address for it, or write subnet_visibility: private";
    findings.push(invalid(`${id} gives instances no public address: they would reach nothing`, hint));
  }
  return findings;
}

/** A subnet without a route table of its own uses the main one of its network. */
function leadsToTheInternet({ SubnetId: id, VpcId: vpc }: Subnet, tables: readonly RouteTable[]): boolean {
  const own = tables.find(({ Associations = [] }) => Associations.some(({ SubnetId }) => SubnetId === id));
  const main = tables.find(({ VpcId, Associations = [] }) => VpcId === vpc && Associations.some(({ Main }) => Main));
  return (own ?? main)?.Routes?.some(({ GatewayId }) => GatewayId?.startsWith("igw-")) ?? false;
}

function invalid(message: string, hint: string): Finding {
  return { code: "SPEC_INVALID", message: `subnets: ${message}`, hint };
}
