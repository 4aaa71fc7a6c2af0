/** What a price is for. All prices are US dollars per hour: of a disk per GB, per operation and per MB per second provisioned. */
export type PriceKey =
  | `instance/${string}`
  | `volume/${string}`
  | `volume-iops/${string}`
  | `volume-throughput/${string}`
  | "control-plane"
  | "control-plane-extended-support"
  | "nat-gateway"
  | "network-load-balancer"
  | "classic-load-balancer"
  | "public-address";

/** A product as the price list has it. */
interface Product {
  readonly usageType: string;
  readonly unit: string;
  readonly usd: number;
}

/** One question to the price list, and what its answer holds. */
export interface PriceQuery {
  readonly service: string;
  readonly filters: Readonly<Record<string, string>>;
  /** How usage is called, behind the prefix of the region. */
  readonly usages: readonly (readonly [PriceKey, RegExp])[];
}

/** AWS bills disks by months of so many hours. */
export const hoursPerMonth = 730;

const fixed: readonly PriceQuery[] = [
  {
    service: "AmazonEKS",
    filters: {},
    usages: [
      ["control-plane", /(^|-)AmazonEKS-Hours:perCluster$/],
      ["control-plane-extended-support", /(^|-)AmazonEKS-Hours:extendedSupport$/],
    ],
  },
  {
    service: "AmazonEC2",
    filters: { productFamily: "NAT Gateway" },
    usages: [["nat-gateway", /(^|-)NatGateway-Hours$/]],
  },
  {
    service: "AWSELB",
    filters: { productFamily: "Load Balancer-Network" },
    usages: [["network-load-balancer", /^(?!(.*-)?TS-)([A-Z0-9]+-)?LoadBalancerUsage$/]],
  },
  {
    service: "AWSELB",
    filters: { productFamily: "Load Balancer" },
    usages: [["classic-load-balancer", /^(?!(.*-)?TS-)([A-Z0-9]+-)?LoadBalancerUsage$/]],
  },
  {
    service: "AmazonVPC",
    filters: { group: "VPCPublicIPv4Address" },
    usages: [["public-address", /(^|-)PublicIPv4:InUseAddress$/]],
  },
];

/** Linux, on demand, on shared hardware, and with nothing of AWS's installed. */
const plainInstance = {
  operatingSystem: "Linux",
  tenancy: "Shared",
  preInstalledSw: "NA",
  capacitystatus: "Used",
  marketoption: "OnDemand",
};

/** @returns the fewest questions that answer for all of `keys` */
export function queriesFor(keys: readonly PriceKey[]): readonly PriceQuery[] {
  const asked = new Set(keys);
  const disks = new Set(keys.flatMap((key) => /^volume(?:-iops|-throughput)?\/(.+)$/.exec(key)?.[1] ?? []));
  return [
    ...fixed.filter(({ usages }) => usages.some(([key]) => asked.has(key))),
    ...keys.flatMap((key) => (key.startsWith("instance/") ? instanceQuery(key) : [])),
    ...[...disks].map(diskQuery),
  ];
}

function instanceQuery(key: PriceKey): PriceQuery {
  const type = key.slice("instance/".length);
  const filters = { ...plainInstance, instanceType: type };
  return { service: "AmazonEC2", filters, usages: [[key, /(^|-)BoxUsage:/]] };
}

function diskQuery(type: string): PriceQuery {
  const usage = type === "io1" ? "piops" : type;
  return {
    service: "AmazonEC2",
    filters: { volumeApiName: type },
    usages: [
      [`volume/${type}`, new RegExp(`EBS:VolumeUsage\\.${usage}$|EBS:VolumeUsage$`)],
      [`volume-iops/${type}`, new RegExp(`EBS:VolumeP-IOPS\\.${usage}$`)],
      [`volume-throughput/${type}`, new RegExp(`EBS:VolumeP-Throughput\\.${usage}$`)],
    ],
  };
}

/** Pure. @param priceList entries of the price list as it sends them @returns what it says; null: it has no such product */
export function pricesIn(query: PriceQuery, priceList: readonly unknown[]): ReadonlyMap<PriceKey, number | null> {
  const products = priceList.flatMap(productsIn);
  return new Map(
    query.usages.map(([key, pattern]) => {
      const product = products.find(({ usageType, usd }) => pattern.test(usageType) && usd > 0);
      return [key, product ? perHour(product) : null];
    }),
  );
}

interface Listed {
  readonly product?: { readonly attributes?: { readonly usagetype?: string } };
  readonly terms?: { readonly OnDemand?: Readonly<Record<string, Term>> };
}

interface Term {
  readonly priceDimensions?: Readonly<
    Record<string, { readonly unit?: string; readonly pricePerUnit?: { readonly USD?: string; readonly CNY?: string } }>
  >;
}

/** @param entry text of JSON, which the SDK hands out as an object of type String */
function productsIn(entry: unknown): readonly Product[] {
  const { product, terms } = JSON.parse(String(entry)) as Listed;
  const usageType = product?.attributes?.usagetype ?? "";
  return Object.values(terms?.OnDemand ?? {}).flatMap(({ priceDimensions = {} }) =>
    Object.values(priceDimensions).map(({ unit = "", pricePerUnit }) => {
      return { usageType, unit, usd: Number(pricePerUnit?.USD ?? 0) };
    }),
  );
}

function perHour({ unit, usd }: Product): number {
  if (/^GiBps-mo$/i.test(unit)) return usd / 1024 / hoursPerMonth;
  return /-mo(nth)?$/i.test(unit) ? usd / hoursPerMonth : usd;
}
