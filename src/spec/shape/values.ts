import type { JsonValue } from "../api.ts";
import { nearest } from "../nearest.ts";
import { quote } from "../yaml/node.ts";
import { mismatch, type Shape, withArticle } from "./shape.ts";

export interface Range {
  readonly min?: number;
  readonly max?: number;
  /** The value must be above this. */
  readonly above?: number;
  /** The value must be below this. */
  readonly below?: number;
}

export function integer(range: Range = {}): Shape<number> {
  return numeric("whole number", { type: "integer" }, Number.isSafeInteger, range);
}

export function number(range: Range = {}): Shape<number> {
  return numeric("number", { type: "number" }, Number.isFinite, range);
}

function numeric(
  type: string,
  schema: { readonly type: string },
  fits: (value: number) => boolean,
  range: Range,
): Shape<number> {
  const limits = describeRange(range);
  return {
    type,
    ...(limits && { limits }),
    schema: { ...schema, ...rangeSchema(range) },
    read(node, reading) {
      if (node.kind !== "scalar" || typeof node.value !== "number" || !fits(node.value)) {
        return mismatch(
          node,
          `a ${type}`,
          reading,
          isQuotedNumber(node) ? "write it without quotes" : numberHint(limits),
        );
      }
      if (isWithin(node.value, range)) return node.value;
      reading.report.problem(node, `${node.text} is out of range`, `it must be ${limits}`);
      return undefined;
    },
  };
}

const numberHint = (limits: string): string | undefined => (limits === "" ? undefined : `it must be ${limits}`);

const isQuotedNumber = (node: Parameters<Shape<number>["read"]>[0]): boolean =>
  node.kind === "scalar" && typeof node.value === "string" && /^[-+]?[0-9.]+$/.test(node.text);

export function isWithin(value: number, { min, max, above, below }: Range): boolean {
  if (min !== undefined && value < min) return false;
  if (max !== undefined && value > max) return false;
  if (above !== undefined && value <= above) return false;
  return below === undefined || value < below;
}

export function describeRange({ min, max, above, below }: Range, show: (value: number) => string = String): string {
  if (min !== undefined && max !== undefined) return `${show(min)} to ${show(max)}`;
  const low = min !== undefined ? `${show(min)} or more` : above !== undefined ? `above ${show(above)}` : "";
  const high = max !== undefined ? `${show(max)} or less` : below !== undefined ? `below ${show(below)}` : "";
  return [low, high].filter(Boolean).join(" and ");
}

function rangeSchema({ min, max, above, below }: Range): Record<string, JsonValue> {
  return {
    ...(min !== undefined && { minimum: min }),
    ...(max !== undefined && { maximum: max }),
    ...(above !== undefined && { exclusiveMinimum: above }),
    ...(below !== undefined && { exclusiveMaximum: below }),
  };
}

/** `true` or `false`; `yes`, `no`, `on` and `off` are understood, as older releases did. */
export function boolean(): Shape<boolean> {
  return {
    type: "true or false",
    schema: { type: "boolean" },
    read(node, reading) {
      if (node.kind === "scalar" && typeof node.value === "boolean") return node.value;
      if (node.kind === "scalar" && !node.isQuoted && /^(?:yes|on)$/i.test(node.text)) return true;
      if (node.kind === "scalar" && !node.isQuoted && /^(?:no|off)$/i.test(node.text)) return false;
      return mismatch(node, "true or false", reading, "write true or false, without quotes");
    },
  };
}

export function choice<const T extends string>(...allowed: readonly T[]): Shape<T> {
  const limits = allowed.join(", ");
  return {
    type: "text",
    limits,
    schema: { type: "string", enum: [...allowed] },
    read(node, reading) {
      if (node.kind !== "scalar") return mismatch(node, `one of ${limits}`, reading);
      const found = allowed.find((one) => one === node.text);
      if (found !== undefined || node.isBroken) return found;
      const close = nearest(node.text, allowed);
      const hint = close === undefined ? `one of ${limits}` : `did you mean ${close}? (one of ${limits})`;
      reading.report.problem(node, `${quote(node.text)} is not allowed`, hint);
      return undefined;
    },
  };
}

export interface TextLimits {
  readonly type?: string;
  readonly limits?: string;
  readonly maxLength?: number;
  readonly pattern?: RegExp;
  /** What to do when `pattern` does not match. */
  readonly hint?: string;
  /** Brings a value into its one form, or says what is wrong with it. */
  parse?(text: string): string | Refusal;
}

export interface Refusal {
  readonly cause: string;
  readonly hint?: string;
}

/** Text that is not empty; a number or truth value that was written without quotes is taken as it stands. */
export function text({ type = "text", limits, maxLength, pattern, hint, parse }: TextLimits = {}): Shape<string> {
  return {
    type,
    isText: true,
    ...(limits && { limits }),
    schema: {
      type: "string",
      minLength: 1,
      ...(maxLength !== undefined && { maxLength }),
      // Variables are filled in before the pattern is tried, so a text that holds one passes the schema.
      ...(pattern && { pattern: `${pattern.source}|\\$\\{` }),
    },
    read(node, reading) {
      if (node.kind !== "scalar" || node.value === null) return mismatch(node, article(type), reading);
      if (node.isBroken) return undefined;
      const refuse = (cause: string, next?: string) => void reading.report.problem(node, cause, next);
      if (node.text === "") return refuse("is empty", "give it a value, or remove the line");
      if (maxLength !== undefined && node.text.length > maxLength) {
        return refuse(`is ${node.text.length} characters long`, `at most ${maxLength} are allowed`);
      }
      if (pattern && !pattern.test(node.text)) {
        return refuse(`${quote(node.text)} is not a valid ${type}`, hint ?? limits);
      }
      const parsed = parse ? parse(node.text) : node.text;
      return typeof parsed === "string" ? parsed : refuse(parsed.cause, parsed.hint);
    },
  };
}

/** Any text, also none; numbers and truth values are taken as they were written. For environment variables. */
export function anyText(): Shape<string> {
  return {
    type: "text",
    isText: true,
    schema: { type: ["string", "number", "boolean", "null"] },
    read(node, reading) {
      if (node.kind !== "scalar" || (node.value === null && node.text !== "")) {
        return mismatch(node, "text", reading, "put it in quotes");
      }
      return node.isBroken ? undefined : node.text;
    },
  };
}

const article = (noun: string): string => (noun === "text" ? noun : withArticle(noun));
