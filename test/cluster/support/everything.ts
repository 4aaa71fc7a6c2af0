import type { KubeClient } from "../../../src/kubernetes/kube-client.ts";
import type { KubeObject } from "../../../src/kubernetes/objects.ts";

interface Groups {
  readonly groups: readonly { readonly preferredVersion: { readonly groupVersion: string } }[];
}

interface Resources {
  readonly resources: readonly { readonly name: string; readonly kind: string; readonly verbs: readonly string[] }[];
}

/** Kinds that change by themselves all the time. */
const restless = ["Event", "Lease", "NodeMetrics", "PodMetrics", "ComponentStatus", "EndpointSlice", "Endpoints"];
/** Written again and again by controllers. */
const restlessFields = ["managedFields", "resourceVersion", "generation"];
/** Kubernetes gathers the rules of these from others, in any order. */
const gathered = ["admin", "edit", "view"];

/** Every object of the cluster by name, with what it says, but for its status and what changes by itself. */
export async function everything(client: KubeClient, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const read = <T>(path: string) => client.json<T>({ method: "GET", path }, signal);
  const { groups } = await read<Groups>("/apis");
  const roots = ["/api/v1", ...groups.map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`)];
  const found = await Promise.all(
    roots.map(async (root) => {
      const { resources } = await read<Resources>(root).catch(() => ({ resources: [] }));
      const listed = resources.filter(({ name, kind, verbs }) => {
        return verbs.includes("list") && !name.includes("/") && !restless.includes(kind);
      });
      return Promise.all(
        listed.map(async ({ name, kind }) => {
          const { items } = await read<{ readonly items: readonly KubeObject[] | null }>(`${root}/${name}`);
          return (items ?? []).map((one) => [keyOf(root, kind, one), textOf(kind, one)] as const);
        }),
      );
    }),
  );
  return new Map(found.flat(2));
}

function keyOf(root: string, kind: string, { metadata: { namespace = "", name } }: KubeObject): string {
  return `${root} ${kind} ${namespace}/${name}`;
}

function textOf(kind: string, object: KubeObject): string {
  const { status: _, ...rest } = object as KubeObject & { status?: unknown };
  if (kind === "ClusterRole" && gathered.includes(object.metadata.name)) return "";
  // A node says which images it has, and when it was last well.
  if (kind === "Node") return "";
  return JSON.stringify(rest, (key, value) => (restlessFields.includes(key) ? undefined : value));
}

/** What is in `after` and not in `before`, the other way round, or says something else. */
export function differences(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): readonly string[] {
  const keys = new Set([...before.keys(), ...after.keys()]);
  return [...keys].filter((key) => before.get(key) !== after.get(key)).toSorted();
}
