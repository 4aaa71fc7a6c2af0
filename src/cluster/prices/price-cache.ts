import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomically } from "../../platform/files.ts";
import type { PriceKey } from "./products.ts";

export interface KnownPrice {
  /** Per hour; null: AWS sells no such thing here. */
  readonly usd: number | null;
  /** Day on which AWS said so, `2026-11-26`. */
  readonly of: string;
}

export type KnownPrices = ReadonlyMap<PriceKey, KnownPrice>;

/** Prices that AWS told earlier, by region. What is lost is asked for again. */
export interface PriceCache {
  read(region: string): Promise<KnownPrices>;
  /** Adds to what is there. A cache that cannot be written is none, and nothing fails. */
  add(region: string, prices: KnownPrices): Promise<void>;
}

type Written = Readonly<Record<string, Readonly<Record<string, KnownPrice>>>>;

export function priceCacheIn(home: string): PriceCache {
  const file = join(home, "aws-prices.json");
  return {
    read: async (region) => pricesOf((await readAll(file))[region]),
    async add(region, prices) {
      const all = await readAll(file);
      const merged = { ...all, [region]: { ...all[region], ...Object.fromEntries(prices) } };
      await writeAtomically(file, `${JSON.stringify(merged)}\n`).catch(() => {});
    },
  };
}

async function readAll(file: string): Promise<Written> {
  try {
    const value: unknown = JSON.parse(await readFile(file, "utf8"));
    return typeof value === "object" && value !== null ? (value as Written) : {};
  } catch {
    return {};
  }
}

function pricesOf(written: Readonly<Record<string, KnownPrice>> | undefined): KnownPrices {
  const isWhole = ([, one]: [string, KnownPrice]) =>
    /^\d{4}-\d\d-\d\d$/.test(String(one?.of)) && (one.usd === null || Number.isFinite(one.usd));
  return new Map(Object.entries(written ?? {}).filter(isWhole) as [PriceKey, KnownPrice][]);
}
