import { hoursPerMonth, type PriceKey } from "./products.ts";

/** Where the price list never was asked: it is what a cluster costs in one region, on one day. */
export const builtIn = { region: "us-east-1", of: "2025-06-01" } as const;

const perMonth = (usd: number) => usd / hoursPerMonth;

const sizes = (family: string, large: number, ...factors: readonly (readonly [string, number])[]) =>
  factors.map(([size, factor]) => [`instance/${family}.${size}`, large * factor] as const);
const usual = [
  ["large", 1],
  ["xlarge", 2],
  ["2xlarge", 4],
  ["4xlarge", 8],
  ["8xlarge", 16],
] as const;
const burstable = [
  ["small", 0.25],
  ["medium", 0.5],
  ["large", 1],
  ["xlarge", 2],
  ["2xlarge", 4],
] as const;

export const builtInPrices: ReadonlyMap<PriceKey, number> = new Map<PriceKey, number>([
  ["control-plane", 0.1],
  ["control-plane-extended-support", 0.5],
  ["nat-gateway", 0.045],
  ["network-load-balancer", 0.0225],
  ["classic-load-balancer", 0.025],
  ["public-address", 0.005],
  ["volume/gp2", perMonth(0.1)],
  ["volume/gp3", perMonth(0.08)],
  ["volume-iops/gp3", perMonth(0.005)],
  ["volume-throughput/gp3", perMonth(0.04)],
  ["volume/io1", perMonth(0.125)],
  ["volume-iops/io1", perMonth(0.065)],
  ["volume/st1", perMonth(0.045)],
  ["volume/sc1", perMonth(0.015)],
  ...sizes("t3", 0.0832, ...burstable),
  ...sizes("t3a", 0.0752, ...burstable),
  ...sizes("t4g", 0.0672, ...burstable),
  ...sizes("m5", 0.096, ...usual),
  ...sizes("m5a", 0.086, ...usual),
  ...sizes("m6i", 0.096, ...usual),
  ...sizes("m6a", 0.0864, ...usual),
  ...sizes("m6g", 0.077, ...usual),
  ...sizes("m7i", 0.1008, ...usual),
  ...sizes("m7g", 0.0816, ...usual),
  ...sizes("c5", 0.085, ...usual.slice(0, 4)),
  ...sizes("c6i", 0.085, ...usual),
  ...sizes("c6g", 0.068, ...usual),
  ...sizes("c7i", 0.08925, ...usual),
  ...sizes("c7g", 0.0725, ...usual.slice(0, 5)),
  ...sizes("r5", 0.126, ...usual),
  ...sizes("r6i", 0.126, ...usual),
  ...sizes("r6g", 0.1008, ...usual),
  ["instance/g4dn.xlarge", 0.526],
  ["instance/g4dn.2xlarge", 0.752],
  ["instance/g4dn.4xlarge", 1.204],
  ["instance/g4dn.8xlarge", 2.176],
  ["instance/g4dn.12xlarge", 3.912],
  ["instance/g5.xlarge", 1.006],
  ["instance/g5.2xlarge", 1.212],
  ["instance/g5.4xlarge", 1.624],
  ["instance/g5.8xlarge", 2.448],
  ["instance/g5.12xlarge", 5.672],
  ["instance/g6.xlarge", 0.8048],
  ["instance/g6.2xlarge", 0.9776],
  ["instance/p3.2xlarge", 3.06],
  ["instance/p3.8xlarge", 12.24],
  ["instance/inf1.xlarge", 0.228],
  ["instance/inf1.2xlarge", 0.362],
  ["instance/inf1.6xlarge", 1.18],
  ["instance/inf2.xlarge", 0.7582],
  ["instance/inf2.8xlarge", 1.9679],
]);
