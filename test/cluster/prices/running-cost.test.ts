import { expect, test } from "vitest";
import { type Running, runningCost, runningPriceKeys } from "../../../src/cluster/prices/running-cost.ts";
import { pricesWith } from "../support/clusters.ts";

const instance = {
  id: "i-1",
  type: "m5.large",
  market: "on-demand",
  zone: "us-east-1a",
  nodeGroup: "cpu",
  hasPublicAddress: true,
} as const;
const running: Running = {
  controlPlane: { support: "standard" },
  instances: [
    instance,
    { ...instance, id: "i-2" },
    { ...instance, id: "i-3", market: "spot", nodeGroup: "burst", hasPublicAddress: false },
  ],
  volumes: [
    { type: "gp3", sizeGb: 50, iops: 3000, throughput: 125 },
    { type: "gp3", sizeGb: 50, iops: 4000, throughput: 125 },
  ],
  natGateways: 1,
  networkLoadBalancers: 1,
  classicLoadBalancers: 0,
  addresses: 4,
};
const prices = pricesWith(
  {
    "control-plane": 0.1,
    "control-plane-extended-support": 0.5,
    "instance/m5.large": 1,
    "volume/gp3": 0.01,
    "volume-iops/gp3": 0.001,
    "nat-gateway": 0.05,
    "network-load-balancer": 0.02,
    "public-address": 0.005,
  },
  { "m5.large": 0.25 },
);
const lines = (of: Running) =>
  runningCost(of, prices).lines.map(
    ({ what, perHour }) => `${what} = ${perHour && Math.round(perHour.min * 1e6) / 1e6}`,
  );

test("all that runs has a line, and what runs on the spot market its price", () => {
  expect(lines(running)).toEqual([
    "EKS control plane = 0.1",
    "node group burst: 1 m5.large, spot = 0.25",
    "node group cpu: 2 m5.large = 2",
    "2 disks, 100 GB = 2",
    "NAT gateway = 0.05",
    "network load balancer = 0.02",
    "6 public IPv4 addresses = 0.03",
  ]);
  expect(runningCost(running, prices).perHour.max).toBeCloseTo(4.45, 9);
});

test("a version beyond its standard support costs more", () => {
  const none = { ...running, instances: [], volumes: [], natGateways: 0, networkLoadBalancers: 0, addresses: 0 };
  expect(lines({ ...none, controlPlane: { support: "extended" } })).toEqual([
    "EKS control plane = 0.1",
    "extended support of its Kubernetes version = 0.5",
  ]);
});

test("remains without a control plane cost what they cost", () => {
  const { controlPlane: _, ...rest } = running;
  expect(lines({ ...rest, instances: [], volumes: [] })).toEqual([
    "NAT gateway = 0.05",
    "network load balancer = 0.02",
    "4 public IPv4 addresses = 0.02",
  ]);
});

test("every price that is reckoned with is asked for", () => {
  const asked = new Set<string>();
  runningCost(running, {
    ...prices,
    perHour(key) {
      asked.add(key);
      return 1;
    },
  });
  const keys = new Set<string>(runningPriceKeys(running));
  expect([...asked].filter((key) => !keys.has(key))).toEqual([]);
});
