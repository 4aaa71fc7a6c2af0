import { CortexError, type Problem } from "../../../src/core/errors.ts";
import type { Api } from "../../../src/spec/api.ts";
import { type ApiSource, type ParsedApis, parseApis } from "../../../src/spec/parse-apis.ts";

type Options = Partial<Omit<ApiSource, "text">>;

export function parse(text: string | Uint8Array, options: Options = {}): Promise<ParsedApis> {
  return parseApis({ file: "cortex.yaml", text, variables: {}, ...options });
}

/** The one API of a file. */
export async function parseOne(text: string, options: Options = {}): Promise<Api> {
  const { apis } = await parse(text, options);
  if (apis.length !== 1) throw new Error(`expected one API, got ${apis.length}`);
  return apis[0]!;
}

/** What is wrong with a file, as `line:column: message`, in file order. */
export async function problemsOf(text: string | Uint8Array, options: Options = {}): Promise<readonly string[]> {
  return (await refusalOf(text, options)).problems.map(shown);
}

export async function refusalOf(text: string | Uint8Array, options: Options = {}): Promise<CortexError> {
  try {
    await parse(text, options);
  } catch (error) {
    if (error instanceof CortexError && error.code === "SPEC_INVALID") return error;
    throw error;
  }
  throw new Error("the file was accepted");
}

export const shown = ({ message, at }: Problem): string => `${at?.line}:${at?.column}: ${message}`;

/** A RealtimeAPI with the given lines in it. */
export const realtime = (...lines: readonly string[]): string =>
  [
    "- name: iris",
    "  kind: RealtimeAPI",
    "  handler: {path: handler.py}",
    ...lines.map((line) => `  ${line}`),
    "",
  ].join("\n");

/** A RealtimeAPI of one container, with the given lines in that container. */
export const container = (...lines: readonly string[]): string =>
  [
    "- name: iris",
    "  kind: RealtimeAPI",
    "  pod:",
    "    containers:",
    "      - name: api",
    "        image: python:3.12",
    ...lines.map((line) => `        ${line}`),
    "",
  ].join("\n");
