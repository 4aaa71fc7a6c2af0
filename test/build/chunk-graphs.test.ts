import { join } from "node:path";
import type { Metafile } from "esbuild";
import { beforeAll, describe, expect, test } from "vitest";
import { chunkGraph } from "../../scripts/build/bundle.ts";
import { projectRoot } from "../../scripts/toolchain.mjs";
import { catalog } from "../../src/cli/catalog.ts";

/** Folders below src, and packages as `npm:NAME`, that a chunk may be made of; a single file in a folder by its own name. */
type Allowed = readonly string[];

/** What every command loads: the entry, what joins the parts, and what reads the command line. */
const ofEveryCommand = [
  "main.ts",
  "cli/run.ts",
  "cli/program.ts",
  "cli/settings.ts",
  "cli/render/terminal.ts",
  "platform/home.ts",
];
const base: Allowed = ["main.ts", "cli", "core/errors.ts", "spec/nearest.ts", "platform", "npm:commander"];
const tables: Allowed = ["cli/render"];
const ofApis: Allowed = [...tables, "core/api-not-found.ts"];
const ofDeploys: Allowed = [
  ...tables,
  "core/deploy.ts",
  "core/plan.ts",
  "core/streams.ts",
  "core/splitters.ts",
  "spec/unsupported.ts",
];

/** What the file of each command may load at once, beside `base`; all else has to enter when it is used. */
const commands: Readonly<Record<string, Allowed>> = {
  deploy: ofDeploys,
  get: ofApis,
  describe: ofApis,
  logs: tables,
  predict: [],
  exec: [],
  "port-forward": [],
  delete: [...ofApis, "core/splitters.ts"],
  diff: ofDeploys,
  history: ofApis,
  rollback: ofApis,
  refresh: tables,
  env: tables,
  // Each of its commands enters when it is used.
  cluster: [],
  explain: tables,
  doctor: tables,
  version: tables,
  upgrade: [...tables, "core/program-update.ts"],
  completion: [],
};

/** The files of the Kubernetes environment that say what is there; what changes it enters when something is changed. */
const kubernetesStates: Allowed = [
  "anchor.ts",
  "api-states.ts",
  "kubernetes-environment.ts",
  "metrics",
  "names.ts",
  "pod-state.ts",
  "revisions.ts",
  "shapes.ts",
  "snapshot.ts",
  "states.ts",
  "under-way.ts",
  "variables.ts",
].map((file) => `environments/kubernetes/${file}`);
const kubernetes: Allowed = ["kubernetes/labels.ts", "kubernetes/objects.ts"];

/** What main.ts joins to a command when it is asked for, and what that may be made of. */
const parts: Readonly<Record<string, Allowed>> = {
  "cli/complete.ts": ["cli"],
  "cli/ask-code.ts": ["cli"],
  "cli/settings-changes.ts": ["cli", "spec/nearest.ts"],
  "cli/cluster/eks-settings.ts": ["cli"],
  "environments/local/local-environment.ts": ["environments/local", "platform"],
  "environments/local/local-folders.ts": ["environments/local/local-folders.ts"],
  "environments/local/doctor.ts": ["environments/local", "packages", "platform"],
  "environments/local/agent/agent-main.ts": [
    "environments/local",
    "core",
    "packages",
    "platform",
    "project",
    "spec/nearest.ts",
  ],
  "environments/kubernetes/kubernetes-environment.ts": [
    ...kubernetesStates,
    ...kubernetes,
    "core/api-not-found.ts",
    "core/splitters.ts",
    "packages/project-variables.ts",
    "spec/nearest.ts",
  ],
  "environments/kubernetes/namespaces.ts": ["environments/kubernetes", ...kubernetes],
  "environments/kubernetes/prepare-revision.ts": [
    "environments/kubernetes",
    ...kubernetes,
    "core",
    "packages/project-variables.ts",
  ],
  "environments/kubernetes/doctor/check-cluster.ts": ["environments/kubernetes", ...kubernetes, "core"],
  "kubernetes/connect.ts": ["kubernetes", "core/streams.ts", "platform/home.ts", "spec/nearest.ts"],
  "kubernetes/probe.ts": ["kubernetes", "platform/home.ts"],
  "image/check-registry.ts": ["image/check-registry.ts", "image/reference.ts", "image/registry", "platform/home.ts"],
  "image/image-builder.ts": ["image", "packages", "platform", "project"],
  "project/project-files.ts": ["project/project-files.ts"],
  "cluster/addons/cluster-admin.ts": ["cluster/addons", ...kubernetes, "core"],
  // What they do enters when it is done, and of the SDK nothing before a service is called.
  "cluster/lifecycle/kubernetes-inside.ts": ["cluster/lifecycle/kubernetes-inside.ts"],
  "cluster/cloud-clusters.ts": [
    "cluster/cloud-clusters.ts",
    "aws/regions.ts",
    "aws/refusal.ts",
    "spec/regions.ts",
    "spec/nearest.ts",
  ],
  "cluster/log-archive.ts": ["cluster/log-archive.ts", "aws/refusal.ts"],
  "cluster/policies.ts": ["cluster", "aws", "core", "spec"],
  "cluster/resources/names.ts": ["cluster/resources/names.ts"],
  "aws/connect-aws.ts": ["aws", "core", "spec/nearest.ts", "spec/regions.ts"],
  "aws/cluster-tokens.ts": ["aws/cluster-tokens.ts"],
  "platform/system-clock.ts": ["platform/system-clock.ts"],
  "upgrade/program-updates.ts": ["upgrade", "platform", "image/layers", "packages", "core/program-update.ts"],
  "upgrade/update-notice.ts": ["upgrade/update-notice.ts", "core/program-update.ts", "platform"],
};

/** What `cluster info` has loaded when it asks its first question, beside what every command has and what connects to AWS. */
const infoParts = ["people/info.ts", "lifecycle/reach.ts", "prices/price-cache.ts"].map((file) => `cluster/${file}`);
const ofInfo: Allowed = [
  ...["people/info.ts", "people/node-uses.ts", "people/use.ts", "prices", "lifecycle/reach.ts", "preflight"],
  ...["pages.ts", "shares.ts", "system-group.ts", "version-support.ts"],
  ...["context", "control-plane-state", "eks-calls", "names", "owner", "pages", "try-until"].map(
    (name) => `resources/${name}.ts`,
  ),
]
  .map((place) => `cluster/${place}`)
  .concat("aws", "core/graph", "core/streams.ts", "kubernetes/labels.ts", "spec/definitions/cluster-name.ts")
  .concat("spec/regions.ts", "spec/shape", "spec/yaml/node.ts");

/** Packages that may be in the program at all, each behind an `import()`. */
const packages = [
  "commander",
  "chalk",
  "ignore",
  "ws",
  "yaml",
  /^@aws-sdk\//,
  /^@smithy\//,
  /^@aws\//,
  /^@aws-crypto\//,
  "bowser",
];

describe("what enters the chunks of a command", () => {
  let graph: Metafile;
  beforeAll(async () => {
    graph = await chunkGraph(join(projectRoot, "src/main.ts"), "1.0.0");
  }, 120_000);

  test("every command, and every part that main.ts joins, has its list here", () => {
    expect(Object.keys(commands)).toEqual(catalog.map(({ name }) => name));
    const joined = graph.inputs["src/main.ts"]!.imports.filter(({ kind }) => kind === "dynamic-import")
      .filter(({ external }) => !external)
      .map(({ path }) => path.replace(/^src\//, ""));
    expect([...new Set(joined)].filter((path) => !ofEveryCommand.includes(path)).sort()).toEqual(
      Object.keys(parts).sort(),
    );
  });

  test.each(Object.entries(commands))("%s", (name, allowed) => {
    const files = [...ofEveryCommand, `cli/${name}.ts`].flatMap((file) => loadedWith(graph, file));
    expect(strangers(files, [...base, ...allowed])).toEqual([]);
  });

  test.each(Object.entries(parts))("%s", (part, allowed) => {
    expect(strangers(loadedWith(graph, part), [...allowed, "core/errors.ts"])).toEqual([]);
  });

  test("no list allows more than is there", () => {
    const idle = Object.entries({
      ...parts,
      ...Object.fromEntries(Object.entries(commands).map(([name, list]) => [`cli/${name}.ts`, list])),
    })
      .map(
        ([file, allowed]) =>
          [file, allowed.filter((place) => !loadedWith(graph, file).some((one) => isIn(one, place)))] as const,
      )
      .filter(([, unused]) => unused.length > 0);
    expect(Object.fromEntries(idle)).toEqual({});
  });

  test("--version loads the entry alone", () => {
    expect(
      strangers(loadedWith(graph, "main.ts"), ["main.ts", "cli/quick-answers.ts", "core/errors.ts", "platform"]),
    ).toEqual([]);
  });

  test("cluster info asks STS before the code of any other service enters, and nothing that changes a cluster does", () => {
    const used = ["cli/cluster/info.ts", ...infoParts, "aws/connect-aws.ts", "aws/services/sts.ts"];
    const files = used.flatMap((file) => loadedWith(graph, file));
    const sdk = /^npm:@(smithy|aws|aws-sdk)\/(?!client-(?!sts$))/;
    const ours = files.filter((file) => !sdk.test(file));
    expect(strangers(ours, [...base, ...ofInfo])).toEqual([]);
  });

  test("packages are few, and known", () => {
    const named = Object.keys(graph.inputs)
      .map(placeOf)
      .filter((place) => place.startsWith("npm:"));
    const unknown = [...new Set(named.map((place) => place.slice(4)))].filter(
      (name) => !packages.some((known) => (typeof known === "string" ? known === name : known.test(name))),
    );
    expect(unknown).toEqual([]);
  });
});

/** @returns the files and packages, as `Allowed` names them, that are loaded as soon as `file` (below src) is */
function loadedWith({ outputs }: Metafile, file: string): readonly string[] {
  const first = Object.keys(outputs).find((name) => outputs[name]!.entryPoint === `src/${file}`);
  if (first === undefined) throw new Error(`src/${file} is no chunk of its own`);
  const seen = new Set<string>();
  const visit = (name: string) => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const { path, kind, external } of outputs[name]!.imports) {
      if (kind === "import-statement" && !external) visit(path);
    }
  };
  visit(first);
  const files = [...seen].flatMap((name) => Object.entries(outputs[name]!.inputs));
  return [...new Set(files.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => placeOf(path)))];
}

function placeOf(path: string): string {
  const inPackage = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path);
  return inPackage ? `npm:${inPackage[1]}` : path.replace(/^src\//, "");
}

function strangers(files: readonly string[], allowed: Allowed): readonly string[] {
  return [...new Set(files)].filter((file) => !allowed.some((place) => isIn(file, place))).sort();
}

function isIn(file: string, place: string): boolean {
  return file === place || file.startsWith(`${place}/`);
}
