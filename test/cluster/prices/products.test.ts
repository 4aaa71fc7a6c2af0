import { expect, test } from "vitest";
import { builtInPrices } from "../../../src/cluster/prices/built-in.ts";
import { type PriceKey, pricesIn, queriesFor } from "../../../src/cluster/prices/products.ts";

/** As the price list tells a product: a text of JSON. */
function product(usagetype: string, usd: string, unit = "Hrs"): string {
  return JSON.stringify({
    product: { attributes: { usagetype } },
    terms: { OnDemand: { x: { priceDimensions: { y: { unit, pricePerUnit: { USD: usd } } } } } },
  });
}

const asked = (key: PriceKey, list: readonly string[]) => {
  const [query] = queriesFor([key]);
  return pricesIn(query!, list).get(key);
};

test("an instance costs what it does in use, on demand", () => {
  expect(asked("instance/m5.large", [product("UnusedBox:m5.large", "9"), product("BoxUsage:m5.large", "0.096")])).toBe(
    0.096,
  );
  expect(asked("instance/m5.large", [product("EUC1-BoxUsage:m5.large", "0.115")])).toBe(0.115);
});

test("of several products of a kind the one is taken that is paid by the hour", () => {
  expect(
    asked("nat-gateway", [
      product("USE1-NatGateway-Prvd-Bytes", "0.045", "GB"),
      product("NatGateway-Bytes", "0.045", "GB"),
      product("NatGateway-Hours", "0.046"),
    ]),
  ).toBe(0.046);
  expect(
    asked("control-plane", [
      product("USE1-AmazonEKS-Hours:extendedSupport", "0.6"),
      product("USE1-AmazonEKS-Hours:perCluster", "0.1"),
      product("USE1-Fargate-vCPU-Hours:perCPU", "0.04"),
    ]),
  ).toBe(0.1);
  expect(
    asked("network-load-balancer", [
      product("LCUUsage", "0.006", "LCU-Hrs"),
      product("TS-LoadBalancerUsage", "0.9"),
      product("EUC1-LoadBalancerUsage", "0.027"),
    ]),
  ).toBe(0.027);
});

test("disks are told by the month, and counted by the hour", () => {
  const list = [
    product("EBS:VolumeUsage.gp3", "0.073", "GB-Mo"),
    product("EBS:VolumeP-IOPS.gp3", "0.0073", "IOPS-Mo"),
    product("EBS:VolumeP-Throughput.gp3", "37.376", "GiBps-mo"),
  ];
  expect(asked("volume/gp3", list)).toBeCloseTo(0.0001, 9);
  expect(asked("volume-iops/gp3", list)).toBeCloseTo(0.00001, 9);
  expect(asked("volume-throughput/gp3", list)).toBeCloseTo(0.00005, 9);
  expect(asked("volume/io1", [product("EU-EBS:VolumeUsage.piops", "0.146", "GB-Mo")])).toBeCloseTo(0.0002, 9);
});

test("what AWS does not sell has no price", () => {
  expect(asked("instance/m5.large", [])).toBeNull();
});

test("each price has a question that answers for it, and what belongs together is asked at once", () => {
  const keys = [...builtInPrices.keys()];
  const answered = queriesFor(keys).flatMap(({ usages }) => usages.map(([key]) => key));
  expect(keys.filter((key) => !answered.includes(key))).toEqual([]);
  expect(queriesFor(["volume/gp3", "volume-iops/gp3", "volume-throughput/gp3"])).toHaveLength(1);
  expect(queriesFor([])).toEqual([]);
});
