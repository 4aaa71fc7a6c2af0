import type { Document, YAMLError } from "yaml";
import type { Report } from "../report.ts";
import type { Source } from "./source.ts";

interface Wording {
  readonly cause: string;
  readonly hint?: string;
}

/** Our words for what the YAML parser objects to, by its error code. */
const wordings: Readonly<Record<string, Wording>> = {
  ALIAS_PROPS: { cause: "an alias (*name) cannot carry an anchor or a tag" },
  BAD_ALIAS: { cause: "this alias or anchor has no valid name" },
  BAD_COLLECTION_TYPE: { cause: "this tag does not fit what it stands before" },
  BAD_DIRECTIVE: { cause: "this %directive is not valid", hint: "leave it out" },
  BAD_DQ_ESCAPE: {
    cause: "this escape is not valid in double quotes",
    hint: "write a backslash as \\\\, or use single quotes",
  },
  BAD_INDENT: {
    cause: "the indentation does not fit the lines above",
    hint: "start keys of one map, and items of one list, in the same column",
  },
  BAD_PROP_ORDER: { cause: "an anchor or tag stands in the wrong place" },
  BAD_SCALAR_START: { cause: "a value cannot begin with this character", hint: "put the value in quotes" },
  BLOCK_AS_IMPLICIT_KEY: {
    cause: "a second `key: value` begins in the same line",
    hint: "put it on a line of its own, or put the value in quotes",
  },
  BLOCK_IN_FLOW: { cause: "a block of indented lines cannot stand inside [ ] or { }" },
  COMMENT_SPACE: { cause: "a comment needs a space before its #" },
  KEY_OVER_1024_CHARS: { cause: "a key is longer than 1024 characters" },
  MISSING_CHAR: {
    cause: "something is missing before this: a closing quote, a bracket, a colon or a `- `",
    hint: "look at this line and the one above",
  },
  MULTILINE_IMPLICIT_KEY: {
    cause: "a key cannot go over several lines",
    hint: "look for a missing `:` or a missing closing quote",
  },
  MULTIPLE_ANCHORS: { cause: "a value can have one anchor (&name) only" },
  MULTIPLE_TAGS: { cause: "a value can have one tag (!name) only" },
  RESOURCE_EXHAUSTION: { cause: "the file is nested too deeply" },
  TAB_AS_INDENT: { cause: "a tab stands in the indentation", hint: "indent with spaces: YAML allows no tabs there" },
  TAG_RESOLVE_FAILED: { cause: "this tag is not valid" },
  UNEXPECTED_TOKEN: {
    cause: "this does not belong here",
    hint: "look for a missing quote, colon or `- `, or for lines that are not indented alike",
  },
};

/** Reports what keeps `document` from being YAML: the first error of each line, as the rest follow from it. */
export function reportSyntax(document: Document.Parsed, source: Source, report: Report): void {
  const lines = new Set<number>();
  for (const error of document.errors) {
    const { line } = source.locate(error.pos[0]);
    if (lines.has(line) || (lines.size > 0 && isAftermath(error))) continue;
    lines.add(line);
    const tab = indentingTab(source.text, error.pos[0]);
    const code = tab === undefined ? error.code : "TAB_AS_INDENT";
    const { cause, hint } = wordings[code] ?? { cause: "this is not valid YAML" };
    report.problem({ item: undefined, path: "", offset: tab ?? error.pos[0] }, cause, hint);
  }
}

/** What the parser says about the text behind the place where it lost its way. */
function isAftermath(error: YAMLError): boolean {
  return error.code === "UNEXPECTED_TOKEN" || error.code === "RESOURCE_EXHAUSTION" || error.code === "BAD_INDENT";
}

/** @returns the offset of a tab that indents the line of `offset` */
function indentingTab(text: string, offset: number): number | undefined {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  const [, spaces] = /^( *)\t/.exec(text.slice(start, start + 200)) ?? [];
  return spaces === undefined ? undefined : start + spaces.length;
}
