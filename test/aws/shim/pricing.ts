import { json, Refused } from "./reply.ts";
import type { Handlers } from "./world.ts";

/** US dollars per hour, on demand with Linux, in us-east-1, as AWS listed them once. */
const instances: Readonly<Record<string, number>> = {
  "t3.small": 0.0208,
  "t3.medium": 0.0416,
  "t3.large": 0.0832,
  "t3.xlarge": 0.1664,
  "m5.large": 0.096,
  "m5.xlarge": 0.192,
  "m5.2xlarge": 0.384,
  "m5a.large": 0.086,
  "m6i.large": 0.096,
  "m6g.large": 0.077,
  "m7g.large": 0.0816,
  "c5.large": 0.085,
  "c5.xlarge": 0.17,
  "c5.2xlarge": 0.34,
  "c6g.xlarge": 0.136,
  "r5.large": 0.126,
  "g4dn.xlarge": 0.526,
  "g5.xlarge": 1.006,
  "p3.2xlarge": 3.06,
  "inf1.xlarge": 0.228,
  "inf1.2xlarge": 0.362,
};

interface Product {
  readonly service: string;
  readonly family: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly unit: string;
  readonly usd: number;
}

/** Prices differ between regions by a little; here by this. */
function factorOf(region: string): number {
  return region.startsWith("us-") ? 1 : 1.12;
}

export function productsOf(regionCode: string): Product[] {
  const of = (
    service: string,
    family: string,
    usd: number,
    unit: string,
    attributes: Record<string, string>,
  ): Product => ({
    ...{ service, family, unit, usd: Number((usd * factorOf(regionCode)).toFixed(6)) },
    attributes: { servicecode: service, regionCode, locationType: "AWS Region", ...attributes },
  });
  const ofInstance = ([instanceType, usd]: readonly [string, number]) =>
    of("AmazonEC2", "Compute Instance", usd, "Hrs", {
      instanceType,
      operatingSystem: "Linux",
      tenancy: "Shared",
      preInstalledSw: "NA",
      capacitystatus: "Used",
      licenseModel: "No License required",
      operation: "RunInstances",
      marketoption: "OnDemand",
      usagetype: `BoxUsage:${instanceType}`,
    });
  const volume = (volumeApiName: string, usd: number) =>
    of("AmazonEC2", "Storage", usd, "GB-Mo", { volumeApiName, usagetype: `EBS:VolumeUsage.${volumeApiName}` });
  return [
    ...Object.entries(instances).map(ofInstance),
    ...Object.entries({ gp3: 0.08, gp2: 0.1, io1: 0.125, st1: 0.045, sc1: 0.015 }).map(([type, usd]) =>
      volume(type, usd),
    ),
    of("AmazonEC2", "NAT Gateway", 0.045, "Hrs", { group: "NGW:NatGateway", usagetype: "NatGateway-Hours" }),
    of("AmazonVPC", "VPCPublicIPv4Address", 0.005, "Hrs", {
      group: "VPCPublicIPv4Address",
      usagetype: "PublicIPv4:InUseAddress",
    }),
    of("AmazonEKS", "Compute", 0.1, "Hours", { usagetype: "AmazonEKS-Hours:perCluster", operation: "CreateOperation" }),
    of("AmazonEKS", "Compute", 0.5, "Hours", {
      usagetype: "AmazonEKS-Hours:extendedSupport",
      operation: "ExtendedSupport",
    }),
    of("AWSELB", "Load Balancer-Network", 0.0225, "Hrs", {
      usagetype: "LoadBalancerUsage",
      operation: "LoadBalancing:Network",
    }),
    of("AWSELB", "Load Balancer", 0.025, "Hrs", { usagetype: "LoadBalancerUsage", operation: "LoadBalancing" }),
    of("AmazonS3", "Storage", 0.023, "GB-Mo", { volumeType: "Standard", usagetype: "TimedStorage-ByteHrs" }),
    of("AmazonECR", "EC2 Container Registry", 0.1, "GB-Mo", { usagetype: "TimedStorage-ByteHrs" }),
    of("AmazonCloudWatch", "Data Payload", 0.5, "GB", { group: "Ingested Logs", usagetype: "DataProcessing-Bytes" }),
  ];
}

interface GetProducts {
  readonly ServiceCode: string;
  readonly Filters?: readonly { readonly Type: string; readonly Field: string; readonly Value: string }[];
  readonly MaxResults?: number;
  readonly NextToken?: string;
}

export const pricingHandlers: Handlers = {
  GetProducts: ({ request }) => {
    if (!["us-east-1", "eu-central-1", "ap-south-1"].includes(request.region)) {
      throw new Refused("InvalidEndpointException", `there is no price list in ${request.region}`);
    }
    const { ServiceCode, Filters = [], MaxResults = 100, NextToken = "0" } = request.json as unknown as GetProducts;
    const region = Filters.find(({ Field }) => Field === "regionCode")?.Value ?? "us-east-1";
    const found = productsOf(region).filter(
      (product) =>
        product.service === ServiceCode &&
        Filters.every(({ Field, Value, Type }) => {
          const value = Field === "productFamily" ? product.family : product.attributes[Field];
          return Type === "ANY_OF" ? Value.split(",").includes(value ?? "") : value === Value;
        }),
    );
    const from = Number(NextToken);
    const next = from + MaxResults < found.length ? { NextToken: String(from + MaxResults) } : {};
    const PriceList = found.slice(from, from + MaxResults).map((product, index) => entry(product, from + index));
    return json({ FormatVersion: "aws_v1", PriceList, ...next });
  },
};

/** @returns one entry as the price list has them: JSON within JSON */
function entry({ family, attributes, service, unit, usd }: Product, index: number): string {
  const sku = `SKU${service}${index}`;
  const dimension = { unit, pricePerUnit: { USD: usd.toFixed(10) }, beginRange: "0", endRange: "Inf", appliesTo: [] };
  const term = {
    sku,
    effectiveDate: "2026-11-01T00:00:00Z",
    priceDimensions: { [`${sku}.JRTCKXETXF.6YS6EN2CT7`]: dimension },
  };
  return JSON.stringify({
    product: { productFamily: family, attributes, sku },
    serviceCode: service,
    terms: { OnDemand: { [`${sku}.JRTCKXETXF`]: term } },
    version: "20261101000000",
    publicationDate: "2026-11-01T00:00:00Z",
  });
}
