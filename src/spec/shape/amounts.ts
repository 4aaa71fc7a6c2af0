import type { Node } from "../yaml/node.ts";
import { quote } from "../yaml/node.ts";
import { mismatch, type Reading, type Shape } from "./shape.ts";
import { describeRange, isWithin, type Range } from "./values.ts";

const powers: Readonly<Record<string, readonly [base: bigint, exponent: number]>> = {
  n: [10n, -9],
  u: [10n, -6],
  m: [10n, -3],
  "": [10n, 0],
  k: [10n, 3],
  K: [10n, 3],
  M: [10n, 6],
  G: [10n, 9],
  T: [10n, 12],
  P: [10n, 15],
  Ki: [2n, 10],
  Mi: [2n, 20],
  Gi: [2n, 30],
  Ti: [2n, 40],
  Pi: [2n, 50],
};

/**
 * Reads a Kubernetes quantity such as `200m`, `0.5`, `512Mi`, `1G` or `1e9`, times ten to the power of `shift`.
 * @returns a whole number, rounded up as Kubernetes does; undefined when it is no quantity, or one beyond all measure
 */
export function parseQuantity(text: string, shift = 0): number | undefined {
  const [, whole, fraction = "", suffix = "", exponent = "0"] =
    /^\+?([0-9]{1,30})(?:\.([0-9]{0,30}))?(?:([numkKMGTP]|[KMGTP]i)|[eE]([-+]?[0-9]{1,2}))?$/.exec(text) ?? [];
  const power = powers[suffix];
  if (whole === undefined || power === undefined) return undefined;
  const [base, times] = power;
  const tens = Number(exponent) + shift - fraction.length + (base === 10n ? times : 0);
  const numerator =
    BigInt(whole + fraction) * (base === 2n ? 1n << BigInt(times) : 1n) * 10n ** BigInt(Math.max(tens, 0));
  const denominator = 10n ** BigInt(Math.max(-tens, 0));
  const rounded = Number((numerator + denominator - 1n) / denominator);
  return Number.isSafeInteger(rounded) ? rounded : undefined;
}

/** Processor time in thousandths of a core, as `200m`, `0.5` or `2`. */
export function cpu(minMillis: number): Shape<number> {
  return quantity("amount of cpu", "for example 200m, 0.5 or 2", 3, { min: minMillis }, (value) => `${value}m`);
}

/** Memory in bytes, as `512Mi` or `1G`. */
export function memory(minBytes = 1): Shape<number> {
  return quantity("amount of memory", "for example 512Mi or 2G", 0, { min: minBytes }, showBytes);
}

function quantity(
  type: string,
  example: string,
  shift: number,
  range: Range,
  show: (value: number) => string,
): Shape<number> {
  const limits = describeRange(range, show);
  return {
    type,
    limits,
    schema: { type: ["string", "number"], description: `${type}, ${example}` },
    isText: true,
    read(node, reading) {
      const text = scalarText(node);
      if (text === undefined) return mismatch(node, `an ${type}`, reading, example);
      const value = parseQuantity(text, shift);
      if (value === undefined) return refuse(node, text, type, memoryHint(text) ?? example, reading);
      if (isWithin(value, range)) return value;
      reading.report.problem(node, `${text} is too little`, memoryHint(text) ?? `it must be ${limits}`);
      return undefined;
    },
  };
}

/** `512MB` and `512m` are slips for `512M`. */
function memoryHint(text: string): string | undefined {
  const [, amount, letter] = /^([0-9.]+) ?([kKmMgGtT])(?:[iI]?[bB])?$/.exec(text) ?? [];
  if (amount === undefined || letter === undefined || Number(amount) < 16) return undefined;
  return `write ${amount}${letter.toUpperCase()}i or ${amount}${letter.toUpperCase()}`;
}

export function showBytes(bytes: number): string {
  for (const [unit, size] of [
    ["Gi", 2 ** 30],
    ["Mi", 2 ** 20],
    ["Ki", 2 ** 10],
  ] as const) {
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return `${bytes} bytes`;
}

const unitsMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** @returns milliseconds for `60s`, `1m30s`, `1.5h` or `0`; undefined when `text` is no duration */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  if (!/^(?:[0-9]+(?:\.[0-9]*)?(?:ns|us|µs|ms|s|m|h))+$/.test(text) || text.length > 100) return undefined;
  const parts = text.matchAll(/([0-9.]+)(ns|us|µs|ms|s|m|h)/g);
  const total = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * unitsMs[unit!]!, 0);
  return Number.isFinite(total) ? Math.round(total * 1e6) / 1e6 : undefined;
}

export interface DurationLimits extends Range {
  readonly multipleOf?: number;
}

/** A span of time in milliseconds; limits too are in milliseconds. */
export function duration({ multipleOf, ...range }: DurationLimits = {}): Shape<number> {
  const steps = multipleOf === undefined ? "" : `, in steps of ${showDuration(multipleOf)}`;
  const limits = describeRange(range, showDuration) + steps;
  return {
    type: "duration",
    ...(limits && { limits }),
    schema: { type: "string", pattern: "^(0|([0-9]+(\\.[0-9]*)?(ns|us|µs|ms|s|m|h))+)$|\\$\\{" },
    isText: true,
    read(node, reading) {
      const text = scalarText(node);
      const hint = "for example 60s, 1m30s or 2h";
      if (text === undefined) return mismatch(node, "a duration", reading, hint);
      const value = parseDuration(text);
      if (value === undefined) {
        return refuse(node, text, "duration", /^[0-9.]+$/.test(text) ? `give it a unit: ${text}s` : hint, reading);
      }
      if (isWithin(value, range) && (multipleOf === undefined || value % multipleOf === 0)) return value;
      reading.report.problem(node, `${text} is out of range`, `it must be ${limits}`);
      return undefined;
    },
  };
}

/** @returns the shortest way to write `ms` as a duration, e.g. "1m30s" */
export function showDuration(ms: number): string {
  if (ms === 0) return "0s";
  let rest = ms;
  let text = "";
  for (const unit of ["h", "m", "s"] as const) {
    const count = Math.floor(rest / unitsMs[unit]!);
    rest -= count * unitsMs[unit]!;
    if (count > 0) text += `${count}${unit}`;
  }
  return rest > 0 ? `${text}${Number(rest.toFixed(6))}ms` : text;
}

/** A count of replicas, or a share of them such as `25%`. */
export function share(): Shape<number | string> {
  return {
    type: "count or percentage",
    limits: "0 or more, or 0% to 100%",
    schema: { type: ["integer", "string"], minimum: 0, pattern: "^([0-9]+|[0-9]{1,3}%)$|\\$\\{" },
    isText: true,
    read(node, reading) {
      const hint = "for example 1 or 25%";
      const text = scalarText(node);
      if (text === undefined) return mismatch(node, "a count or percentage", reading, hint);
      const [, digits, percent] = /^([0-9]{1,9})(%?)$/.exec(text) ?? [];
      if (digits === undefined || (percent === "%" && Number(digits) > 100)) {
        return refuse(node, text, "count or percentage (0% to 100%)", hint, reading);
      }
      return percent === "%" ? `${Number(digits)}%` : Number(digits);
    },
  };
}

function scalarText(node: Node): string | undefined {
  if (node.kind !== "scalar" || node.isBroken || node.value === null || typeof node.value === "boolean")
    return undefined;
  return node.text;
}

function refuse(node: Node, text: string, type: string, hint: string, reading: Reading): undefined {
  reading.report.problem(node, `${quote(text)} is not a valid ${type}`, hint);
  return undefined;
}
