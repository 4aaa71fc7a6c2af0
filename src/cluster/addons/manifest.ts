import { createHash } from "node:crypto";
import type { AddonName } from "../../core/cluster.ts";
import { CortexError } from "../../core/errors.ts";
import { label, manager } from "../../kubernetes/labels.ts";
import type { KubeObject } from "../../kubernetes/objects.ts";
import { kindOf } from "./kinds.ts";
import { bundleAnnotation, type Release } from "./releases.ts";

/** Hash of an object as it was applied. */
export const appliedAnnotation = "cortex.dev/applied";
export type AddonLabel = AddonName | "settings";

/** Every object of a manifest, lists taken apart. @param source where it is from, for errors @throws SPEC_INVALID */
export async function parseManifest(text: string, source: string): Promise<readonly KubeObject[]> {
  const { parse } = await import("yaml");
  const objects: KubeObject[] = [];
  for (const part of text.split(/^---.*$/m)) {
    if (!/^\s*[^#\s]/m.test(part)) continue;
    let value: unknown;
    try {
      value = parse(part, { maxAliasCount: 10 });
    } catch (cause) {
      throw unreadable(source, (cause as Error).message.split("\n")[0]!, cause);
    }
    const found = isList(value) ? value.items : [value];
    for (const one of found) {
      if (one === null || one === undefined) continue;
      if (!isObject(one)) throw unreadable(source, "it holds something that is no Kubernetes object");
      objects.push(one);
    }
  }
  return objects;
}

/**
 * The objects of a release's manifest as they are applied, other add-ons' CRDs left out.
 * @throws SPEC_INVALID when it is not what the release says it is, or does more than an add-on may
 */
export function releaseObjects(all: readonly KubeObject[], release: Release, source: string): readonly KubeObject[] {
  const wanted = all.filter((object) => !isOfGroups(object, release.withoutGroups ?? []));
  const problems = [
    ...wanted.flatMap((object) => placeProblem(object, release) ?? []),
    ...imageProblems(wanted, release),
    ...bundleProblems(wanted, release),
    ...(wanted.length === 0 ? ["it holds no object"] : []),
  ];
  if (problems.length === 0) return wanted;
  throw new CortexError("SPEC_INVALID", `${source} is not the manifest of ${release.name} ${release.version}`, {
    details: problems.slice(0, 10).join("\n"),
    hint: `use the file of that release: ${release.url}`,
  });
}

/** @returns `objects`, each of a kind that add-ons are made of @throws SPEC_INVALID */
export function ownKinds(objects: readonly KubeObject[], source: string): readonly KubeObject[] {
  const other = objects.find((object) => kindOf(object) === undefined);
  if (!other) return objects;
  throw unreadable(source, `it has a ${other.kind} of ${other.apiVersion}, and no add-on is made of such`);
}

/** @returns `objects` with our labels on them, and the hash that tells whether one has to be applied again */
export function labelled(objects: readonly KubeObject[], addon: AddonLabel): readonly KubeObject[] {
  return objects.map((object) => {
    const { metadata } = object;
    const annotations = { ...metadata.annotations, [appliedAnnotation]: hashOf(object) };
    const labels = { ...metadata.labels, [label.managedBy]: manager, [label.addon]: addon };
    return { ...object, metadata: { ...metadata, labels, annotations } };
  });
}

/** `Kind namespace/name`, or `Kind name`. */
export function objectText({ kind, metadata: { namespace, name } }: KubeObject): string {
  return `${kind} ${namespace === undefined ? "" : `${namespace}/`}${name}`;
}

/** Equal for the same object of a cluster, whatever its version. */
export function objectKey({ apiVersion, kind, metadata: { namespace, name } }: KubeObject): string {
  const group = apiVersion.includes("/") ? apiVersion.split("/")[0] : "";
  return `${group}/${kind}/${namespace ?? ""}/${name}`;
}

export function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

function hashOf(object: KubeObject): string {
  return sha256(JSON.stringify(object)).slice(0, 16);
}

function isOfGroups(object: KubeObject, groups: readonly string[]): boolean {
  if (groups.length === 0) return false;
  const { name } = object.metadata;
  const isDefinition =
    object.kind === "CustomResourceDefinition" || object.kind.startsWith("ValidatingAdmissionPolicy");
  return isDefinition && groups.some((group) => name.endsWith(`.${group}`));
}

function placeProblem(object: KubeObject, { namespaces }: Release): string | undefined {
  const { namespace, name } = object.metadata;
  const type = kindOf(object);
  if (!type) return `${object.apiVersion} ${object.kind} ${name}: no kind that an add-on is made of`;
  if (object.kind === "Namespace") return namespaces.includes(name) ? undefined : `it makes a namespace ${name}`;
  if (!type.isNamespaced) return undefined;
  if (namespace === undefined) return `${object.kind} ${name} names no namespace`;
  return namespaces.includes(namespace) ? undefined : `${objectText(object)} is in a namespace of somebody else`;
}

interface WithPods {
  readonly spec?: {
    readonly template?: {
      readonly spec?: {
        readonly containers?: readonly { readonly image?: string }[];
        readonly initContainers?: readonly { readonly image?: string }[];
      };
    };
  };
}

export function imagesOf(object: KubeObject): readonly string[] {
  const pod = (object as WithPods).spec?.template?.spec;
  return [...(pod?.containers ?? []), ...(pod?.initContainers ?? [])].flatMap(({ image }) => image ?? []);
}

function imageProblems(objects: readonly KubeObject[], { images }: Release): readonly string[] {
  const found = objects.flatMap(imagesOf);
  return images.flatMap(([repository, tag]) => {
    const tags = found.map((image) => tagOf(image, repository)).filter((one) => one !== undefined);
    if (tags.length === 0) return [`nothing in it runs ${repository}`];
    return tags.filter((one) => one !== tag).map((one) => `it runs ${repository}:${one}, not ${tag}`);
  });
}

/** @returns the tag of `image` when it is one of `repository`, whatever registry it is from */
export function tagOf(image: string, repository: string): string | undefined {
  const [name] = image.split("@");
  const match = name!.match(/^(.*?)(?::([^/:]+))?$/);
  const path = match?.[1] ?? "";
  return path === repository || path.endsWith(`/${repository}`) ? (match?.[2] ?? "latest") : undefined;
}

function bundleProblems(objects: readonly KubeObject[], { bundle, crdGroup }: Release): readonly string[] {
  const crds = objects.filter(({ kind, metadata }) => {
    return kind === "CustomResourceDefinition" && (crdGroup === undefined || metadata.name.endsWith(crdGroup));
  });
  if (crdGroup !== undefined && crds.length === 0) return [`it defines no kinds of ${crdGroup}`];
  if (bundle === undefined) return [];
  const others = crds.filter(({ metadata }) => metadata.annotations?.[bundleAnnotation] !== bundle);
  return others.map(({ metadata: { name, annotations } }) => `${name} is of ${annotations?.[bundleAnnotation]}`);
}

function isList(value: unknown): value is { readonly items: readonly unknown[] } {
  return (value as { kind?: unknown } | null)?.kind === "List" && Array.isArray((value as { items?: unknown }).items);
}

function isObject(value: unknown): value is KubeObject {
  const { apiVersion, kind, metadata } = (value ?? {}) as Record<string, unknown>;
  return (
    typeof apiVersion === "string" &&
    typeof kind === "string" &&
    typeof (metadata as { name?: unknown })?.name === "string"
  );
}

function unreadable(source: string, why: string, cause?: unknown): CortexError {
  return new CortexError("SPEC_INVALID", `cannot understand ${source}: ${why}`, {
    hint: "it must hold Kubernetes objects as YAML",
    cause,
  });
}
