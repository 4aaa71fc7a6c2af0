import type { Problem } from "../core/errors.ts";
import { type Api, type ApiKind, apiKinds } from "./api.ts";
import { buildApi } from "./build-api.ts";
import { type ApiValues, apiFields } from "./definitions/api-fields.ts";
import { explainUnknownKey } from "./field-paths.ts";
import { createReport, type Report } from "./report.ts";
import { type Exists, placesOf, type RuleContext } from "./rules/context.ts";
import { checkFile } from "./rules/file.ts";
import { checkHandler } from "./rules/handler.ts";
import { checkPaths } from "./rules/paths.ts";
import { checkPod } from "./rules/pod.ts";
import { checkScaling } from "./rules/scaling.ts";
import { checkSplitter } from "./rules/splitter.ts";
import { object } from "./shape/collections.ts";
import { type Loose, mismatch, type Reading } from "./shape/shape.ts";
import { modernise } from "./spellings/modernise.ts";
import { decode } from "./yaml/decode.ts";
import type { Node } from "./yaml/node.ts";
import { readTree } from "./yaml/tree.ts";
import type { Variables } from "./yaml/variables.ts";

export interface ApiSource {
  /** As the user would name it; problems repeat it. */
  readonly file: string;
  readonly text: Uint8Array | string;
  /** What `${NAME}` stands for. */
  readonly variables: Variables;
  /** Says what stands at a path below the project's folder; without it, paths are not looked up. */
  readonly exists?: Exists;
}

export interface ParsedApis {
  /** In file order, at least one. */
  readonly apis: readonly Api[];
  /** Older spellings, with what to write instead. */
  readonly warnings: readonly Problem[];
}

/**
 * Reads a cortex.yaml in any spelling since Cortex 0.14 into the canonical model, every default filled in.
 * @throws SPEC_INVALID with all problems of the file, each with its place
 */
export async function parseApis({ file, text, variables, exists }: ApiSource): Promise<ParsedApis> {
  const source = decode(file, text);
  const report = createReport(source);
  const tree = await readTree(source, variables, report);
  const items = tree ? readItems(tree, report) : [];
  const nameOf = (item: number): string => nameIn(items[item]) ?? `api ${item + 1}`;
  if (!tree && !report.hasProblems) reportEmpty(report);
  const contexts = items.map((node) => readApi(node, report, exists));
  checkFile(
    contexts.filter((one) => one !== undefined).map(listed),
    (place) => source.locate(place.offset).line,
    report,
  );
  report.throwProblems(nameOf);
  // Without a problem every value was read: none is missing any more.
  const apis = contexts.flatMap((context) => (context ? [buildApi(context.values as ApiValues, context.legacy)] : []));
  return { apis, warnings: report.warnings(nameOf) };
}

const apiShape = object(apiFields, "API");

function readApi(node: Node, report: Report, exists: Exists | undefined): RuleContext | undefined {
  const plain: Reading = { report, kind: undefined };
  if (node.kind !== "map") return mismatch(node, "an API: a map of keys", plain, "for example - name: iris");
  const { api, legacy } = modernise(node, plain);
  const reading: Reading = { report, kind: kindIn(node), explainUnknown: explainUnknownKey };
  const values = (apiShape.read(api, reading) ?? {}) as Loose<ApiValues>;
  const context: RuleContext = { values, legacy, report, at: placesOf(api), exists };
  for (const check of values.kind === "TrafficSplitter" ? [checkSplitter] : workloadRules) check(context);
  return context;
}

const workloadRules = [checkPod, checkHandler, checkScaling, checkPaths];

function listed({ values, at }: RuleContext): Parameters<typeof checkFile>[0][number] {
  const { name, kind, networking, apis } = values;
  const endpoint = networking?.endpoint ?? (networking && name !== undefined ? `/${name}` : undefined);
  return { name, kind, endpoint, targets: (apis ?? []).map((target) => target.name), at };
}

/** The kind decides which fields there are, so it is looked up before any of them is read. */
function kindIn(node: Node): ApiKind | undefined {
  const kind = textIn(node, "kind");
  if (kind === undefined) return "RealtimeAPI";
  return apiKinds.find((one) => one === kind);
}

function nameIn(node: Node | undefined): string | undefined {
  const name = node && textIn(node, "name");
  return name && name.length <= 60 && /^[\x20-\x7e]+$/.test(name) ? name : undefined;
}

function textIn(node: Node, key: string): string | undefined {
  const value = node.kind === "map" ? node.entries.get(key)?.value : undefined;
  return value?.kind === "scalar" ? value.text : undefined;
}

function readItems(tree: Node, report: Report): readonly Node[] {
  if (tree.kind === "list") {
    if (tree.items.length === 0) reportEmpty(report);
    return tree.items;
  }
  const place = { ...tree, path: "" };
  if (
    tree.kind === "map" &&
    (tree.entries.has("cluster_name") || tree.entries.has("node_groups")) &&
    !tree.entries.has("name")
  ) {
    report.problem(place, "this describes a cluster, not APIs", "use it with cortex cluster up");
  } else if (tree.kind === "map") {
    const [first] = tree.entries.keys();
    const hint = `write \`- ${first}:\` here, and indent the lines below it by two spaces`;
    report.problem(place, "expected a list of APIs, got a single map", hint);
  } else mismatch(place, "a list of APIs", { report, kind: undefined }, "begin with - name: my-api");
  return [];
}

function reportEmpty(report: Report): void {
  report.problem({ item: undefined, path: "", offset: 0 }, "the file describes no API", "begin with - name: my-api");
}
