import type * as Yaml from "yaml";
import type { Report } from "../report.ts";
import { childPath, type Entry, type ListNode, type MapNode, type Node, type Place, type ScalarNode } from "./node.ts";
import { losesDigits, plainValue } from "./scalar.ts";
import type { Source } from "./source.ts";
import { reportSyntax } from "./syntax.ts";
import { fillVariables, maskReferences, type Variables } from "./variables.ts";

/** An alias repeats what it points to, so a small file can stand for a huge one: this bounds what it stands for. */
const mostValues = 100_000;
const mostText = 8 * 1024 * 1024;
const deepest = 64;

/** Thrown inside to end a walk that would not end by itself; the reason has been reported. */
class TooMuch extends Error {}

interface Walk {
  readonly yaml: typeof Yaml;
  readonly source: Source;
  readonly variables: Variables;
  readonly report: Report;
  /** Turns parsed text back into what was written. */
  unmask(text: string): string;
  readonly anchors: Map<string, Yaml.Node>;
  /** Nodes between the root and here, to find an anchor that holds its own alias. */
  readonly open: Set<Yaml.Node>;
  /** How many aliases are being followed; anchors inside what they repeat are not new. */
  aliases: number;
  values: number;
  textLength: number;
}

/**
 * Reads `source` as one YAML 1.2 document: anchors and merge keys resolved, variables filled in, every value with its
 * place. Problems go to `report`.
 * @returns undefined when there is nothing to read, or when it is not YAML
 */
export async function readTree(source: Source, variables: Variables, report: Report): Promise<Node | undefined> {
  const yaml = await import("yaml");
  const { masked, unmask } = maskReferences(source.text);
  const options = { schema: "failsafe", uniqueKeys: false, prettyErrors: false, logLevel: "silent" } as const;
  const parsed: readonly Yaml.Document.Parsed[] = [...yaml.parseAllDocuments(masked, options)];
  for (const document of parsed) reportSyntax(document, source, report);
  const [first, second] = parsed.filter(({ contents, errors }) => errors.length > 0 || !isNothing(yaml, contents));
  if (second && !report.hasProblems) {
    report.problem(
      { item: undefined, path: "", offset: second.contents?.range[0] ?? second.range[0] },
      "a second YAML document begins here; a file holds one",
      "remove the `---` above and put everything into one list",
    );
  }
  if (report.hasProblems || !first?.contents) return undefined;
  const walk: Walk = {
    yaml,
    source,
    variables,
    report,
    unmask,
    anchors: new Map(),
    open: new Set(),
    aliases: 0,
    values: 0,
    textLength: 0,
  };
  try {
    return convert(first.contents, { item: undefined, path: "", offset: first.contents.range[0] }, 0, walk);
  } catch (error) {
    if (error instanceof TooMuch) return undefined;
    throw error;
  }
}

function isNothing(yaml: typeof Yaml, contents: Yaml.ParsedNode | null): boolean {
  return contents === null || (yaml.isScalar(contents) && contents.source === "" && contents.type === "PLAIN");
}

function convert(node: Yaml.Node, place: Place, depth: number, walk: Walk): Node {
  walk.values += 1;
  if (walk.values > mostValues) tooMuch(place, `the file stands for more than ${mostValues} values`, walk);
  if (depth > deepest) tooMuch(place, `the file is nested more than ${deepest} levels deep`, walk);
  if (walk.yaml.isAlias(node)) return convertAlias(node, place, depth, walk);
  if (walk.aliases === 0 && "anchor" in node && node.anchor) walk.anchors.set(node.anchor, node);
  const here = { ...place, offset: node.range?.[0] ?? place.offset };
  walk.open.add(node);
  try {
    if (walk.yaml.isMap(node)) return convertMap(node, here, depth, walk);
    if (walk.yaml.isSeq(node)) return convertList(node, here, depth, walk);
    return convertScalar(node as Yaml.Scalar, here, walk);
  } finally {
    walk.open.delete(node);
  }
}

/** Repeats what the last anchor of this name before the alias stands before. */
function convertAlias(alias: Yaml.Alias, place: Place, depth: number, walk: Walk): Node {
  const target = walk.anchors.get(alias.source);
  const here = { ...place, offset: alias.range?.[0] ?? place.offset };
  if (!target || walk.open.has(target)) {
    const cause = target
      ? `the anchor &${alias.source} holds this alias of itself`
      : `there is no anchor &${alias.source} before this alias`;
    walk.report.problem(here, cause);
    return { kind: "scalar", ...here, text: "", value: "", isBroken: true };
  }
  walk.aliases += 1;
  const value = convert(target, place, depth, walk);
  walk.aliases -= 1;
  return value;
}

function convertList(list: Yaml.YAMLSeq, place: Place, depth: number, walk: Walk): ListNode {
  refuseTag(list, place, walk);
  const items = list.items.map((item, index) => {
    const isTopLevel = depth === 0;
    const path = isTopLevel ? "" : `${place.path}[${index}]`;
    return convert(item as Yaml.Node, { ...place, path, item: isTopLevel ? index : place.item }, depth + 1, walk);
  });
  return { kind: "list", ...place, items };
}

function convertMap(map: Yaml.YAMLMap, place: Place, depth: number, walk: Walk): MapNode {
  refuseTag(map, place, walk);
  const entries = new Map<string, Entry>();
  const merged: Node[] = [];
  for (const pair of map.items) {
    const keyNode = pair.key as Yaml.Node;
    const offset = keyNode.range?.[0] ?? place.offset;
    if (!walk.yaml.isScalar(keyNode)) {
      walk.report.problem({ ...place, offset }, "a key must be a plain word, not a list, map or alias");
      continue;
    }
    const key = walk.unmask(keyNode.source ?? "");
    const at = { ...place, path: childPath(place.path, key), offset };
    const value = pair.value
      ? convert(pair.value as Yaml.Node, at, depth + 1, walk)
      : ({ kind: "scalar", ...at, text: "", value: null } as const);
    const twin = entries.get(key);
    if (key === "<<" && keyNode.type === "PLAIN") merged.push(value);
    else if (twin) {
      const { line } = walk.source.locate(twin.offset);
      walk.report.problem(at, `this key is set twice, first in line ${line}`, "remove one of the two");
    } else entries.set(key, { ...at, key, value: value.kind === "map" ? { ...value, keyOffset: offset } : value });
  }
  return { kind: "map", ...place, entries: withMerged(entries, merged, walk) };
}

/** Adds what `<<: *anchor` brings in; keys that are written out, and earlier merges, win. */
function withMerged(own: Map<string, Entry>, merged: readonly Node[], walk: Walk): Map<string, Entry> {
  for (const node of merged.flatMap((one) => (one.kind === "list" ? one.items : [one]))) {
    if (node.kind !== "map") {
      walk.report.problem(node, "<< takes a map, or a list of maps", "give it an alias, as in <<: *defaults");
      continue;
    }
    for (const [key, entry] of node.entries) if (!own.has(key)) own.set(key, withoutMergeKey(entry));
  }
  return own;
}

/** The author sees `compute.cpu`, not `compute.<<.cpu`. */
function withoutMergeKey(entry: Entry): Entry {
  const shorten = <T extends Place>(place: T): T => ({
    ...place,
    path: place.path.replace(/(^|\.)<<(\[\d+\])?\./, "$1"),
  });
  const deep = (node: Node): Node => {
    if (node.kind === "scalar") return shorten(node);
    if (node.kind === "list") return { ...shorten(node), items: node.items.map(deep) };
    return { ...shorten(node), entries: new Map([...node.entries].map(([key, one]) => [key, withoutMergeKey(one)])) };
  };
  return { ...shorten(entry), value: deep(entry.value) };
}

const coreTags = new Set(
  ["str", "int", "float", "bool", "null", "map", "seq"].map((tag) => `tag:yaml.org,2002:${tag}`),
);

function convertScalar(scalar: Yaml.Scalar, place: Place, walk: Walk): ScalarNode {
  refuseTag(scalar, place, walk);
  const written = walk.unmask(scalar.source ?? "");
  const { text, problems } = fillVariables(written, walk.variables);
  for (const { cause, hint } of problems) walk.report.problem(place, cause, hint);
  walk.textLength += text.length;
  if (walk.textLength > mostText) tooMuch(place, `the file stands for more than ${mostText} characters`, walk);
  const isText = scalar.type !== "PLAIN" || scalar.tag?.endsWith(":str") || problems.length > 0;
  if (!isText && losesDigits(text)) {
    walk.report.problem(place, "this number has more digits than can be kept exactly", "put it in quotes");
  }
  const value = isText ? text : plainValue(text);
  return {
    kind: "scalar",
    ...place,
    text,
    value,
    ...(problems.length > 0 && { isBroken: true }),
    ...(scalar.type !== "PLAIN" && { isQuoted: true }),
  };
}

function refuseTag(node: Yaml.Node & { tag?: string | undefined }, place: Place, walk: Walk): void {
  if (node.tag === undefined || coreTags.has(node.tag)) return;
  walk.report.problem(place, `the tag ${node.tag} has no meaning here`, "leave it out");
}

function tooMuch(place: Place, cause: string, walk: Walk): never {
  walk.report.problem(place, cause);
  throw new TooMuch(cause);
}
