import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { builtIn } from "../../../src/cluster/prices/built-in.ts";
import { priceCacheIn } from "../../../src/cluster/prices/price-cache.ts";
import { pricesFrom } from "../../../src/cluster/prices/read-prices.ts";

async function homeFolder() {
  const home = await mkdtemp(join(tmpdir(), "cortex-prices-"));
  return { home, [Symbol.asyncDispose]: () => rm(home, { recursive: true }) };
}

test("prices are kept by region, and new ones beside them", async () => {
  await using folder = await homeFolder();
  const cache = priceCacheIn(folder.home);
  expect(await cache.read("us-east-1")).toEqual(new Map());
  await cache.add("us-east-1", new Map([["nat-gateway", { usd: 0.045, of: "2026-11-25" }]]));
  await cache.add("us-east-1", new Map([["instance/p9.large", { usd: null, of: "2026-11-26" }]]));
  await cache.add("eu-west-1", new Map([["nat-gateway", { usd: 0.048, of: "2026-11-26" }]]));
  expect(await priceCacheIn(folder.home).read("us-east-1")).toEqual(
    new Map([
      ["nat-gateway", { usd: 0.045, of: "2026-11-25" }],
      ["instance/p9.large", { usd: null, of: "2026-11-26" }],
    ]),
  );
});

test("a cache that is spoilt or cannot be written is as good as none", async () => {
  await using folder = await homeFolder();
  await writeFile(
    join(folder.home, "aws-prices.json"),
    '{"us-east-1": {"nat-gateway": {"usd": "free", "of": "today"}, "x"',
  );
  expect(await priceCacheIn(folder.home).read("us-east-1")).toEqual(new Map());
  await writeFile(
    join(folder.home, "aws-prices.json"),
    '{"us-east-1": {"nat-gateway": {"usd": "free", "of": "today"}, "volume/gp3": 3}}',
  );
  expect(await priceCacheIn(folder.home).read("us-east-1")).toEqual(new Map());
  await writeFile(join(folder.home, "file"), "");
  await priceCacheIn(join(folder.home, "file", "home")).add("us-east-1", new Map());
});

const today = "2026-11-26";
const unknown = "instance/p9.large: prices are not known, and sums are without them";
const from = (known: Parameters<typeof pricesFrom>[0]["known"], failure?: unknown) =>
  pricesFrom({
    keys: ["nat-gateway", "instance/p9.large"],
    known,
    today,
    region: "eu-west-1",
    failure,
    spotPrices: new Map([["m5.large", 0.03]]),
  });

test("prices of today are just told", () => {
  const prices = from(
    new Map([
      ["nat-gateway", { usd: 0.048, of: today }],
      ["instance/p9.large", { usd: null, of: today }],
    ]),
  );
  expect(prices).toMatchObject({ of: today, isCached: false, warnings: [unknown] });
  expect(prices.perHour("nat-gateway")).toBe(0.048);
  expect(prices.perHour("instance/p9.large")).toBeUndefined();
  expect(prices.spot("m5.large")).toBe(0.03);
});

test("prices of an earlier day stand in, with their date and why", () => {
  const prices = from(new Map([["nat-gateway", { usd: 0.047, of: "2026-11-20" }]]), new Error("no route to host"));
  expect(prices).toMatchObject({ of: "2026-11-20", isCached: true });
  expect(prices.warnings).toEqual([
    unknown,
    "prices are those of 2026-11-20: AWS did not tell today's: no route to host",
  ]);
});

test("without any those of this release stand in, and it is said whose they are", () => {
  const prices = from(new Map(), new Error("no route to host"));
  expect(prices).toMatchObject({ of: builtIn.of, isCached: true });
  expect(prices.perHour("nat-gateway")).toBe(0.045);
  expect(prices.warnings).toEqual([
    unknown,
    `prices are those of this release, ${builtIn.of}, some of them of us-east-1: AWS did not tell today's: no route to host`,
  ]);
});

test("a spot market that does not answer is said not to", () => {
  const prices = pricesFrom({
    keys: [],
    known: new Map(),
    today,
    region: "us-east-1",
    failure: undefined,
    spotPrices: { failure: new Error("denied") },
  });
  expect(prices.spot("m5.large")).toBeUndefined();
  expect(prices.warnings).toEqual(["prices of the spot market are not known: denied"]);
});
