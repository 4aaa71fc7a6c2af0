import type { Scalar } from "./node.ts";

const integer = /^[-+]?[0-9]+$/;
const octal = /^0o[0-7]+$/;
const hexadecimal = /^0x[0-9a-fA-F]+$/;
const float = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;

/** @returns what an unquoted `text` means by the core schema of YAML 1.2; `.inf` and `.nan` stay text */
export function plainValue(text: string): Scalar {
  if (/^(?:~|null|Null|NULL)?$/.test(text)) return null;
  if (/^(?:true|True|TRUE)$/.test(text)) return true;
  if (/^(?:false|False|FALSE)$/.test(text)) return false;
  if (integer.test(text) || octal.test(text) || hexadecimal.test(text)) return Number(text);
  if (float.test(text) && Number.isFinite(Number(text))) return Number(text);
  return text;
}

/** True for a whole number of which a double keeps other digits than were written. */
export function losesDigits(text: string): boolean {
  if (octal.test(text) || hexadecimal.test(text)) return !Number.isSafeInteger(Number(text));
  if (!integer.test(text) || Number.isSafeInteger(Number(text))) return false;
  return String(Number(text)) !== text.replace(/^(-?)\+?0*(?=[0-9])/, "$1");
}
