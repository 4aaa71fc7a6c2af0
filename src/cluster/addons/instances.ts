import type { AddonName } from "../../core/cluster.ts";
import type { KubeClient } from "../../kubernetes/kube-client.ts";
import { label } from "../../kubernetes/labels.ts";
import type { KubeObject, ResourceType } from "../../kubernetes/objects.ts";
import { listMetadata } from "./facts.ts";

/** A kind that an add-on of ours defined, and what there is of it. */
export interface Instances {
  readonly addon: AddonName | "settings";
  readonly type: ResourceType;
  /** Metadata only. */
  readonly objects: readonly KubeObject[];
}

interface GroupDiscovery {
  readonly versions: readonly { readonly groupVersion: string }[];
}

interface VersionDiscovery {
  readonly resources: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[];
}

/** @param definitions CRDs @returns all objects of their kinds, wherever they are */
export async function instancesOf(
  definitions: readonly KubeObject[],
  client: KubeClient,
  signal: AbortSignal,
): Promise<readonly Instances[]> {
  const groups = Map.groupBy(definitions, ({ metadata: { name } }) => name.slice(name.indexOf(".") + 1));
  const found = await Promise.all(
    [...groups].map(async ([group, members]) => {
      const types = await typesOf(group, client, signal);
      return Promise.all(
        members.flatMap(({ metadata }) => {
          const type = types.find(({ plural }) => metadata.name === `${plural}.${group}`);
          const addon = (metadata.labels?.[label.addon] ?? "settings") as AddonName;
          return type ? [instances(addon, type, client, signal)] : [];
        }),
      );
    }),
  );
  return found.flat();
}

async function instances(
  addon: AddonName,
  type: ResourceType,
  client: KubeClient,
  signal: AbortSignal,
): Promise<Instances> {
  return { addon, type, objects: await absentAsNone(listMetadata(client, type, undefined, signal)) };
}

/** The kinds of a group, each in the first version that serves it; none when the group is gone. */
async function typesOf(group: string, client: KubeClient, signal: AbortSignal): Promise<readonly ResourceType[]> {
  const read = async <T>(path: string) =>
    absentAsNone(client.json<T>({ method: "GET", path }, signal).then((one) => [one]));
  const [discovered] = await read<GroupDiscovery>(`/apis/${group}`);
  const versions = await Promise.all(
    (discovered?.versions ?? []).map(async ({ groupVersion }) => {
      const [version] = await read<VersionDiscovery>(`/apis/${groupVersion}`);
      return (version?.resources ?? [])
        .filter(({ name }) => !name.includes("/"))
        .map(({ name, kind, namespaced }) => ({
          apiVersion: groupVersion,
          kind,
          plural: name,
          isNamespaced: namespaced,
        }));
    }),
  );
  return versions.flat();
}

/** A kind that goes away while one looks at it has no objects. */
export async function absentAsNone<T>(reading: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await reading;
  } catch (error) {
    if ((error as { status?: number }).status === 404) return [];
    throw error;
  }
}
