import type { KubeClient, RemoveOptions } from "../../../../src/kubernetes/kube-client.ts";
import { KubeError } from "../../../../src/kubernetes/kube-error.ts";
import type { KubeObject, ResourceType } from "../../../../src/kubernetes/objects.ts";

export interface MemoryClient extends KubeClient {
  /** By kind and name: `Deployment/iris`. */
  readonly objects: Map<string, KubeObject>;
  /** Every call that changes something, e.g. `apply Deployment/iris`. */
  readonly writes: string[];
  /** Throws for what the server is to refuse; called before every write. */
  refuse(write: string): void;
}

export const refusal = (status: number, reason: string, message = reason) =>
  new KubeError(status === 409 ? "CONFLICT" : "CLUSTER_REFUSED", message, status, reason);

/** A server that keeps what it is given and has no controllers: for what a cluster does only when two meet, or when it refuses. */
export function memoryClient(...objects: readonly KubeObject[]): MemoryClient {
  const key = ({ kind, metadata }: KubeObject) => `${kind}/${metadata.name}`;
  let version = 100;
  const client = {
    context: "memory",
    server: "https://memory.example.com",
    namespace: "models",
    objects: new Map(objects.map((object) => [key(object), object])),
    writes: [] as string[],
    refuse: (_write: string) => {},
    async get(type: ResourceType, _namespace: string, name: string) {
      return client.objects.get(`${type.kind}/${name}`);
    },
    async list(type: ResourceType) {
      return { items: [...client.objects.values()].filter(({ kind }) => kind === type.kind), resourceVersion: "1" };
    },
    async *watch(type: ResourceType, _options: unknown, signal: AbortSignal) {
      yield { type: "listed", items: (await client.list(type)).items };
      await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
    },
    async create(object: KubeObject) {
      record("create", key(object));
      if (client.objects.has(key(object))) throw refusal(409, "AlreadyExists");
      return keep(object);
    },
    async apply(object: KubeObject, options: { readonly force?: boolean; readonly dryRun?: boolean }) {
      record(`${options.dryRun ? "try" : options.force ? "apply" : "apply unforced"}`, key(object));
      return options.dryRun ? object : keep(object);
    },
    async replace(object: KubeObject) {
      record("replace", key(object));
      const { resourceVersion } = client.objects.get(key(object))?.metadata ?? {};
      if (resourceVersion !== object.metadata.resourceVersion) throw refusal(409, "Conflict");
      return keep(object);
    },
    async patch(type: ResourceType, _namespace: string, name: string, { metadata }: Pick<KubeObject, "metadata">) {
      record("patch", `${type.kind}/${name}`);
      const found = client.objects.get(`${type.kind}/${name}`)!;
      const { resourceVersion = found.metadata.resourceVersion, annotations } = metadata;
      if (resourceVersion !== found.metadata.resourceVersion) throw refusal(409, "Conflict");
      const merged = Object.entries({ ...found.metadata.annotations, ...annotations }).filter(([, value]) => value);
      return keep({ ...found, metadata: { ...found.metadata, annotations: Object.fromEntries(merged) } });
    },
    async remove(type: ResourceType, _namespace: string, name: string, { uid }: RemoveOptions) {
      record("remove", `${type.kind}/${name}`);
      const found = client.objects.get(`${type.kind}/${name}`);
      if (uid !== undefined && found?.metadata.uid !== uid) throw refusal(409, "Conflict");
      return client.objects.delete(`${type.kind}/${name}`);
    },
  };

  function record(what: string, name: string): void {
    client.refuse(`${what} ${name}`);
    client.writes.push(`${what} ${name}`);
  }

  function keep(object: KubeObject): KubeObject {
    version += 1;
    const uid = client.objects.get(key(object))?.metadata.uid ?? `uid-${version}`;
    const kept = { ...object, metadata: { ...object.metadata, uid, resourceVersion: String(version), generation: 3 } };
    client.objects.set(key(kept), kept);
    return kept;
  }

  return client as unknown as MemoryClient;
}
