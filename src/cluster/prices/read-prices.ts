import type { _InstanceType } from "@aws-sdk/client-ec2";
import type { Aws } from "../../aws/aws.ts";
import { pagesByToken } from "../pages.ts";
import { builtIn, builtInPrices } from "./built-in.ts";
import type { KnownPrice, KnownPrices, PriceCache } from "./price-cache.ts";
import { type PriceKey, type PriceQuery, pricesIn, queriesFor } from "./products.ts";

/** What things cost in one region. */
export interface Prices {
  /** US dollars per hour; undefined: not known. */
  perHour(key: PriceKey): number | undefined;
  /** What an instance costs on the spot market now, in the cheapest zone; undefined: not known. */
  spot(instanceType: string): number | undefined;
  /** Day of the oldest of them, `2026-11-26`. */
  readonly of: string;
  /** Some could not be asked for now. */
  readonly isCached: boolean;
  /** What the user should know of them. */
  readonly warnings: readonly string[];
}

export interface PriceQuestion {
  readonly aws: Aws;
  readonly cache: PriceCache;
  readonly keys: readonly PriceKey[];
  /** Instance types that are taken from the spot market, and in which zones; all zones without any. */
  readonly spot: { readonly types: readonly string[]; readonly zones: readonly string[] };
}

/** Nobody waits longer than this for a price. */
const patienceMs = 8_000;

/**
 * Asks for prices, but for those that were told today already. Nothing fails for want of a price: those of an earlier day stand in,
 * then those of this release.
 * @throws only the reason of `signal`
 */
export async function readPrices(question: PriceQuestion, signal: AbortSignal): Promise<Prices> {
  const { aws, cache, keys, spot } = question;
  const today = new Date(aws.clock.now()).toISOString().slice(0, 10);
  const [cached, spotPrices] = await Promise.all([cache.read(aws.region), readSpot(aws, spot, signal)]);
  const stale = keys.filter((key) => cached.get(key)?.of !== today);
  const { told, failure } = await askFor(aws, stale, today, signal);
  if (told.size > 0) await cache.add(aws.region, told);
  return pricesFrom({ keys, known: new Map([...cached, ...told]), today, region: aws.region, failure, spotPrices });
}

interface Collected {
  readonly keys: readonly PriceKey[];
  readonly known: KnownPrices;
  readonly today: string;
  readonly region: string;
  /** Why the price list could not be asked. */
  readonly failure: unknown;
  readonly spotPrices: ReadonlyMap<string, number> | { readonly failure: unknown };
}

/** Pure. */
export function pricesFrom({ keys, known, today, region, failure, spotPrices }: Collected): Prices {
  const used = new Map(keys.flatMap((key) => knownOrBuiltIn(key, known)));
  const of = [...used.values()].reduce((oldest, { of }) => (of < oldest ? of : oldest), today);
  const isCached = of !== today;
  const isSpotKnown = spotPrices instanceof Map;
  const unknown = keys.filter((key) => typeof used.get(key)?.usd !== "number");
  const warnings = [
    ...(unknown.length > 0 ? [`${unknown.join(", ")}: prices are not known, and sums are without them`] : []),
    ...(isCached && failure !== undefined ? [staleText(used, of, region, failure)] : []),
    ...(isSpotKnown
      ? []
      : [`prices of the spot market are not known: ${messageOf((spotPrices as { failure: unknown }).failure)}`]),
  ];
  return {
    perHour: (key) => used.get(key)?.usd ?? undefined,
    spot: (type) => (isSpotKnown ? spotPrices.get(type) : undefined),
    of,
    isCached,
    warnings,
  };
}

function knownOrBuiltIn(key: PriceKey, known: KnownPrices): [PriceKey, KnownPrice][] {
  const price = known.get(key);
  if (price) return [[key, price]];
  const usd = builtInPrices.get(key);
  return usd === undefined ? [] : [[key, { usd, of: builtIn.of }]];
}

function staleText(used: KnownPrices, of: string, region: string, failure: unknown): string {
  const isOfRelease = [...used.values()].some((price) => price.of === builtIn.of);
  const where = isOfRelease && region !== builtIn.region ? `, some of them of ${builtIn.region}` : "";
  const which = isOfRelease ? `those of this release, ${of}${where}` : `those of ${of}`;
  return `prices are ${which}: AWS did not tell today's: ${messageOf(failure)}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** @returns what AWS tells of `keys`; after a failure perhaps not all */
async function askFor(
  aws: Aws,
  keys: readonly PriceKey[],
  today: string,
  signal: AbortSignal,
): Promise<{ readonly told: KnownPrices; readonly failure: unknown }> {
  const queries = queriesFor(keys);
  if (queries.length === 0) return { told: new Map(), failure: undefined };
  const until = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  const answers = await Promise.allSettled(queries.map((query) => ask(aws, query, until)));
  signal.throwIfAborted();
  const told = answers.flatMap((answer) => (answer.status === "fulfilled" ? [...answer.value] : []));
  const [failure] = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason as unknown] : []));
  return { told: new Map(told.map(([key, usd]) => [key, { usd, of: today }])), failure };
}

async function ask(aws: Aws, query: PriceQuery, signal: AbortSignal) {
  const pricing = await aws.pricing();
  const filters = { ...query.filters, regionCode: aws.region };
  const asked = {
    ServiceCode: query.service,
    Filters: Object.entries(filters).map(([Field, Value]) => ({ Type: "TERM_MATCH", Field, Value }) as const),
    MaxResults: 100,
  };
  const pages = await pagesByToken((NextToken) => pricing.getProducts({ ...asked, NextToken }, signal));
  return pricesIn(
    query,
    pages.flatMap(({ PriceList = [] }) => PriceList),
  );
}

/** @returns the lowest price by type, of the zones that are meant; or why there is none */
async function readSpot(
  aws: Aws,
  { types, zones }: PriceQuestion["spot"],
  signal: AbortSignal,
): Promise<Collected["spotPrices"]> {
  if (types.length === 0) return new Map();
  const until = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
  try {
    return await spotPrices(aws, types, zones, until);
  } catch (failure) {
    signal.throwIfAborted();
    return { failure };
  }
}

async function spotPrices(aws: Aws, types: readonly string[], zones: readonly string[], signal: AbortSignal) {
  const ec2 = await aws.ec2();
  // From now on: the last change before it is what holds now. The SDK lists the types it knows; EC2 knows more.
  const asked = {
    InstanceTypes: [...types] as _InstanceType[],
    ProductDescriptions: ["Linux/UNIX"],
    StartTime: new Date(aws.clock.now()),
  };
  const pages = await pagesByToken((NextToken) => ec2.describeSpotPriceHistory({ ...asked, NextToken }, signal));
  const lowest = new Map<string, number>();
  for (const { InstanceType: type = "", AvailabilityZone: zone = "", SpotPrice: price } of pages.flatMap(
    ({ SpotPriceHistory = [] }) => SpotPriceHistory,
  )) {
    const usd = Number(price);
    if (!(usd > 0) || (zones.length > 0 && !zones.includes(zone))) continue;
    lowest.set(type, Math.min(usd, lowest.get(type) ?? Number.POSITIVE_INFINITY));
  }
  return lowest;
}
