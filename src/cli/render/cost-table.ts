import type { Cost, Range } from "../../core/cloud-cluster.ts";
import type { Table } from "./table.ts";

/** What a month has on average. */
const hoursPerMonth = 730;

/** A line for each thing that costs, their sum last. */
export function costTable({ lines, perHour }: Cost): Table {
  const isWhole = lines.every((line) => line.perHour !== undefined);
  return [
    ["aws resource", "cost per hour"],
    ...lines.map(({ what, perHour: range }) => [what, range ? rangeText(range) : "not known"]),
    [isWhole ? "total" : "total of what is known", perHourAndMonthText(perHour)],
  ];
}

/** `prices of 2026-11-26`, and why not of today. */
export function pricesText({ pricesOf, isCached }: Cost): string {
  return `prices of ${pricesOf}${isCached ? ", as they could not all be asked for now" : ""}`;
}

/** `$0.25 to $1.30 per hour, $183 to $949 per month` */
export function perHourAndMonthText(perHour: Range): string {
  const perMonth = { min: perHour.min * hoursPerMonth, max: perHour.max * hoursPerMonth };
  return `${rangeText(perHour)} per hour, ${rangeText(perMonth)} per month`;
}

/** `$0.10` or `$0.10 to $0.48` */
export function rangeText({ min, max }: Range): string {
  const [least, most] = [moneyText(min), moneyText(max)];
  return least === most ? least : `${least} to ${most}`;
}

/** US dollars: cents, less than ten of them to the tenth, hundreds of dollars without. */
export function moneyText(dollars: number): string {
  if (dollars >= 100) return `$${Math.round(dollars).toLocaleString("en-US")}`;
  const isSmall = dollars > 0 && dollars < 0.0995;
  return `$${dollars.toFixed(isSmall ? 3 : 2)}`;
}

export function costJson({ lines, perHour, pricesOf, isCached }: Cost): unknown {
  return {
    lines: lines.map((line) => ({ what: line.what, per_hour: line.perHour ?? null })),
    per_hour: perHour,
    currency: "USD",
    prices_of: pricesOf,
    is_cached: isCached,
  };
}
