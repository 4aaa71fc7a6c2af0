import { beforeAll, expect, test } from "vitest";
import { builtIn, builtInPrices } from "../../../src/cluster/prices/built-in.ts";
import { priceCacheIn } from "../../../src/cluster/prices/price-cache.ts";
import type { PriceKey } from "../../../src/cluster/prices/products.ts";
import { readPrices } from "../../../src/cluster/prices/read-prices.ts";
import { temporaryFolder } from "../../project/folder.ts";
import { type Emulated, emulated } from "../support/emulated.ts";

const keys: readonly PriceKey[] = [
  "control-plane",
  "nat-gateway",
  "public-address",
  "network-load-balancer",
  "instance/m5.large",
  "volume/gp3",
];
const dayMs = 86_400_000;

function ask({ aws, signal }: Emulated, home: string, wanted = keys, types: readonly string[] = []) {
  return readPrices({ aws, cache: priceCacheIn(home), keys: wanted, spot: { types, zones: [] } }, signal);
}

beforeAll(async () => {
  await using one = await emulated();
  await one.aws.identity(one.signal);
});

test("prices are asked for once a day", async () => {
  await using folder = await temporaryFolder({});
  await using account = await emulated();
  const { emulator, signal } = account;
  const asked = () => emulator.calls.of("pricing:*").length;
  const prices = await ask(account, folder.path);
  expect(prices).toMatchObject({ isCached: false, warnings: [] });
  expect(keys.map((key) => prices.perHour(key))).toEqual([0.1, 0.045, 0.005, 0.0225, 0.096, 0.08 / 730]);
  expect(asked()).toBe(6);
  expect(await ask(account, folder.path)).toMatchObject({ of: prices.of, isCached: false });
  await ask(account, folder.path, ["instance/p9.large"]);
  await ask(account, folder.path, ["instance/p9.large"]);
  expect(asked()).toBe(7);
  await emulator.clock.sleep(dayMs, signal);
  const tomorrow = await ask(account, folder.path, ["nat-gateway"]);
  expect(asked()).toBe(8);
  expect(tomorrow.of > prices.of).toBe(true);
});

test("what nobody knows the price of is told, and counts as nothing in no sum without a word", async () => {
  await using folder = await temporaryFolder({});
  await using account = await emulated({ denied: ["pricing:*"] });
  const prices = await ask(account, folder.path, ["control-plane", "instance/p9.large", "volume/io2"]);
  expect(["instance/p9.large", "volume/io2"].map((key) => prices.perHour(key as PriceKey))).toEqual([
    undefined,
    undefined,
  ]);
  expect(prices.warnings).toContain("instance/p9.large, volume/io2: prices are not known, and sums are without them");
  expect([...builtInPrices].filter(([, usd]) => !(usd > 0))).toEqual([]);
});

test("who may not ask gets those of an earlier day, and what was never asked those of this release", async () => {
  await using folder = await temporaryFolder({});
  await priceCacheIn(folder.path).add("us-east-1", new Map([["nat-gateway", { usd: 0.04, of: "2025-12-24" }]]));
  await using account = await emulated({ denied: ["pricing:*"] });
  const earlier = await ask(account, folder.path, ["nat-gateway"]);
  expect(earlier).toMatchObject({ of: "2025-12-24", isCached: true });
  expect(earlier.warnings).toEqual([
    expect.stringContaining("prices are those of 2025-12-24: AWS did not tell today's: "),
  ]);
  const released = await ask(account, folder.path);
  expect(released).toMatchObject({ of: builtIn.of, isCached: true });
  expect(released.perHour("instance/m5.large")).toBe(0.096);
});

test("the spot market is asked for what it takes now", async () => {
  await using folder = await temporaryFolder({});
  await using account = await emulated();
  const prices = await ask(account, folder.path, ["instance/m5.large"], ["m5.large"]);
  expect(account.emulator.calls.of("ec2:DescribeSpotPriceHistory")).toHaveLength(1);
  const spot = prices.spot("m5.large");
  expect(spot === undefined || (spot > 0 && spot < 0.096)).toBe(true);
});
