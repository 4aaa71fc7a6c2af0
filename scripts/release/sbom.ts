import { createHash } from "node:crypto";
import type { Bundled, LockedWheel } from "./bundled.ts";

interface Component {
  readonly "bom-ref": string;
  readonly type: string;
  readonly name: string;
  readonly [other: string]: unknown;
}

/** What `npm sbom --sbom-format cyclonedx` prints, as far as it is looked at here. */
export interface NpmBom {
  readonly metadata: { readonly component: Component; readonly [other: string]: unknown };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
  readonly [other: string]: unknown;
}

export interface BomParts {
  readonly npm: NpmBom;
  readonly version: string;
  readonly node: string;
  /** The packages of npm that something of is in the program. */
  readonly bundled: readonly Pick<Bundled, "name" | "version">[];
  readonly wheels: readonly LockedWheel[];
  /** Seconds since the epoch. */
  readonly time: number;
}

/**
 * The bill of materials of the program, in CycloneDX: of what npm knows that which is in the program, Node, and the Python
 * packages that it brings along.
 * @throws Error when npm does not know a package that is in the program
 */
export function billOfMaterials({ npm, version, node, bundled, wheels, time }: BomParts): string {
  const wanted = new Set(bundled.map((one) => `${one.name}@${one.version}`));
  const packages = npm.components.filter((one) => wanted.has(fullName(one)));
  const found = new Set(packages.map(fullName));
  const lost = [...wanted].filter((one) => !found.has(one));
  if (lost.length > 0) throw new Error(`npm does not know of ${lost.join(", ")}`);
  const added = [nodeComponent(node), ...wheelComponents(wheels)];
  const root = npm.metadata.component["bom-ref"];
  const known = new Set([root, ...packages.map((one) => one["bom-ref"])]);
  const dependencies = npm.dependencies
    .filter(({ ref }) => known.has(ref))
    .map(({ ref, dependsOn }) => {
      const kept = dependsOn.filter((one) => known.has(one));
      return { ref, dependsOn: ref === root ? [...kept, ...added.map((one) => one["bom-ref"])] : kept };
    });
  const bom = {
    ...npm,
    metadata: {
      timestamp: new Date(time * 1000).toISOString().replace(".000", ""),
      // npm names it after the folder that the project lies in.
      component: { ...npm.metadata.component, name: "cortex", type: "application" },
    },
    components: [...packages.map((one) => ({ ...one, scope: "required" })), ...added].toSorted(byRef),
    dependencies: [...dependencies, ...added.map((one) => ({ ref: one["bom-ref"], dependsOn: [] }))],
  };
  // The same content has the same name, and another one another.
  const digest = createHash("sha256")
    .update(version)
    .update(JSON.stringify({ ...bom, serialNumber: "" }))
    .digest("hex");
  return `${JSON.stringify({ ...bom, serialNumber: `urn:uuid:${asUuid(digest)}` }, null, 2)}\n`;
}

function fullName({ group, name, version }: Component): string {
  return `${typeof group === "string" && group !== "" ? `${group}/` : ""}${name}@${version}`;
}

function byRef(a: Component, b: Component): number {
  return a["bom-ref"] < b["bom-ref"] ? -1 : 1;
}

function nodeComponent(version: string): Component {
  return {
    "bom-ref": `nodejs@${version}`,
    type: "platform",
    name: "node",
    version,
    scope: "required",
    purl: `pkg:github/nodejs/node@v${version}`,
    cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*`,
    licenses: [{ license: { id: "MIT" } }],
  };
}

/** A component for each version of a package, its files for systems and Pythons inside. */
function wheelComponents(wheels: readonly LockedWheel[]): Component[] {
  return [
    ...Map.groupBy(wheels, ({ name, version }) => `pkg:pypi/${name.replaceAll("_", "-").toLowerCase()}@${version}`),
  ].map(([purl, files]) => ({
    "bom-ref": purl,
    type: "library",
    name: files[0]!.name,
    version: files[0]!.version,
    scope: "required",
    purl,
    components: [...new Map(files.map((one) => [one.file, one])).values()].map(({ file, sha256 }) => ({
      type: "file",
      name: file,
      hashes: [{ alg: "SHA-256", content: sha256 }],
    })),
  }));
}

/** As of version 8, whose meaning is the writer's own. */
function asUuid(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
