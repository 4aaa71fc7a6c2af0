import type { Aws } from "../../aws/aws.ts";
import type { Cluster } from "../../spec/parse-cluster.ts";
import type { Facts, InstanceType, Zone } from "../facts.ts";
import { pagesByToken, partsOf } from "../pages.ts";
import { systemGroup, systemInstanceTypes } from "../system-group.ts";
import { readVersions } from "../version-support.ts";
import { compareVersions } from "../versions.ts";
import { chooseZones, type TypeUse, type ZoneAnswer, type ZoneQuestion } from "./choose-zones.ts";
import { type Finding, throwFindings } from "./findings.ts";
import { checkAlternatives, readInstanceTypes, typesOf } from "./instance-types.ts";
import { type OwnNetworkReading, readOwnNetwork } from "./own-network.ts";

/** What a cluster that exists has settled. */
export interface Standing {
  /** Names of the zones of its subnets, in order; of an interrupted run perhaps not all of them yet. */
  readonly zones?: readonly string[];
  /** Of its control plane, `1.34`; undefined when there is none. */
  readonly kubernetesVersion?: string;
  /** Of its control plane. */
  readonly tags?: Readonly<Record<string, string>>;
}

export interface FactsQuestion {
  readonly cluster: Cluster;
  readonly aws: Aws;
  readonly standing: Standing;
  /** Taken where neither the file nor the cluster says one. */
  readonly defaultVersion: string;
}

/**
 * What only AWS knows and the wish depends on: zones, instance types, the user's own network. Changes nothing.
 * @throws CortexError with all reasons at once, see `findingsOf`
 */
export async function readFacts(question: FactsQuestion, signal: AbortSignal): Promise<Facts> {
  const { cluster, aws, standing, defaultVersion } = question;
  const names = new Set([...cluster.node_groups.flatMap(typesOf), ...systemInstanceTypes]);
  const kubernetesVersion = standing.kubernetesVersion ?? cluster.kubernetes_version ?? defaultVersion;
  const [identity, types, zones, offered, versions, own] = await Promise.all([
    aws.identity(signal),
    readInstanceTypes(aws, names, signal),
    readZones(aws, signal),
    readOfferings(aws, names, signal),
    readVersions(aws, signal),
    cluster.subnets ? readOwnNetwork(aws, cluster, signal) : undefined,
  ]);
  const answer = zonesFor(question, { zones, offered, types, own });
  const versionSupport = versions.get(kubernetesVersion);
  const isOffered = versionSupport || standing.kubernetesVersion !== undefined;
  const findings = [
    ...(own?.findings ?? []),
    ...answer.findings,
    ...checkAlternatives(cluster, types),
    ...(isOffered ? [] : [notOffered(kubernetesVersion, [...versions.keys()], aws.region)]),
  ];
  throwFindings(findings, `${cluster.cluster_name} in ${aws.region}`);
  return {
    identity,
    region: aws.region,
    zones: answer.zones,
    instanceTypes: types,
    kubernetesVersion,
    ...(versionSupport && { versionSupport }),
    ...(own?.network && { ownNetwork: own.network }),
  };
}

function notOffered(version: string, offered: readonly string[], region: string): Finding {
  const known = offered.toSorted(compareVersions).join(", ");
  const message = `kubernetes_version: EKS does not offer ${version} in ${region}`;
  return { code: "SPEC_INVALID", message, hint: `it offers ${known}` };
}

interface Read {
  readonly zones: readonly Zone[];
  readonly offered: ReadonlyMap<string, ReadonlySet<string>>;
  readonly types: ReadonlyMap<string, InstanceType>;
  readonly own: OwnNetworkReading | undefined;
}

function zonesFor({ cluster, aws, standing }: FactsQuestion, { zones, offered, types, own }: Read): ZoneAnswer {
  // Subnets that cannot be used say nothing about zones; what is wrong with them is said already.
  if (own && !own.network) return { zones: [], findings: [] };
  const question = {
    region: aws.region,
    zones,
    offered,
    uses: usesOf(cluster, types),
    preferred: standing.zones ?? [],
  };
  const settled = settledBy(cluster, standing, own);
  return chooseZones(settled ? { ...question, settled } : question);
}

function settledBy(
  { availability_zones: written }: Cluster,
  { zones = [], kubernetesVersion }: Standing,
  own: OwnNetworkReading | undefined,
): ZoneQuestion["settled"] {
  const once = (names: readonly string[]) => [...new Set(names)];
  if (own?.network) return { names: once(own.network.subnets.map(({ zone }) => zone)), by: "subnets" };
  // Before there is a control plane, zones may be those of a first run that was interrupted half way.
  const isMade = kubernetesVersion !== undefined && zones.length > 0;
  if (isMade) return { names: once(zones), by: "cluster" };
  return written ? { names: once(written), by: "availability_zones" } : undefined;
}

function usesOf(cluster: Cluster, types: ReadonlyMap<string, InstanceType>): readonly TypeUse[] {
  const system = systemGroup(cluster, types);
  const groups = system ? [...cluster.node_groups, system] : cluster.node_groups;
  return groups.flatMap((group) =>
    typesOf(group).map((type, index) => {
      const field = index === 0 ? "instance_type" : "spot_config.instance_distribution";
      return { type, field: `node_groups.${group.name}.${field}`, isEverywhere: index === 0 };
    }),
  );
}

/** Zones proper that the account may use, by name; Local Zones, Wavelength and Outposts are none. */
async function readZones(aws: Aws, signal: AbortSignal): Promise<readonly Zone[]> {
  const { AvailabilityZones: found = [] } = await (await aws.ec2()).describeAvailabilityZones(
    {
      Filters: [
        { Name: "zone-type", Values: ["availability-zone"] },
        { Name: "state", Values: ["available"] },
      ],
    },
    signal,
  );
  return found
    .filter(({ OptInStatus }) => OptInStatus !== "not-opted-in")
    .map(({ ZoneName, ZoneId }) => ({ name: ZoneName ?? "", id: ZoneId ?? "" }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** @returns those of `names` that each zone offers, by the zone's name */
async function readOfferings(
  aws: Aws,
  names: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const ec2 = await aws.ec2();
  const asked = (
    await Promise.all(
      partsOf([...names], 200).map((Values) =>
        pagesByToken((NextToken) =>
          ec2.describeInstanceTypeOfferings(
            { LocationType: "availability-zone", Filters: [{ Name: "instance-type", Values }], NextToken },
            signal,
          ),
        ),
      ),
    )
  ).flat();
  const offered = new Map<string, Set<string>>();
  for (const { Location: zone = "", InstanceType: type = "" } of asked.flatMap(
    (one) => one.InstanceTypeOfferings ?? [],
  )) {
    offered.set(zone, (offered.get(zone) ?? new Set()).add(type));
  }
  return offered;
}
