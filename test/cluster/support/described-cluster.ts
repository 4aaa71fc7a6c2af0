import type { KubeClient } from "../../../src/kubernetes/kube-client.ts";
import type { KubeObject, ResourceType } from "../../../src/kubernetes/objects.ts";

/** A cluster that is only read: made of the objects that are given. */
export function describedCluster(objects: readonly unknown[]): KubeClient {
  const all = objects as readonly KubeObject[];
  const ofType = ({ apiVersion, kind }: ResourceType) =>
    all.filter((one) => one.apiVersion === apiVersion && one.kind === kind);
  const refuse = () => Promise.reject(new Error("this cluster is only read"));
  return {
    context: "described",
    server: "https://described",
    namespace: "default",
    async get(type: ResourceType, namespace: string | undefined, name: string) {
      return ofType(type).find(({ metadata }) => metadata.name === name && metadata.namespace === namespace);
    },
    async list(type: ResourceType, { namespace, labelSelector }: { namespace?: string; labelSelector?: string }) {
      const items = ofType(type).filter(
        ({ metadata }) =>
          (namespace === undefined || metadata.namespace === namespace) && isSelected(metadata.labels, labelSelector),
      );
      return { items: items.map(({ apiVersion: _, kind: __, ...item }) => item), resourceVersion: "1" };
    },
    async json({ path }: { path: string }) {
      if (!path.startsWith("/apis/apiextensions.k8s.io/v1/customresourcedefinitions")) throw notFound(path);
      return { metadata: {}, items: all.filter(({ kind }) => kind === "CustomResourceDefinition") };
    },
    create: refuse,
    apply: refuse,
    replace: refuse,
    patch: refuse,
    remove: refuse,
    request: refuse,
    async [Symbol.asyncDispose]() {},
  } as unknown as KubeClient;
}

function notFound(path: string): Error {
  return Object.assign(new Error(`there is no ${path}`), { status: 404 });
}

function isSelected(labels: Readonly<Record<string, string>> = {}, selector = ""): boolean {
  return selector.split(",").every((part) => {
    if (part === "") return true;
    if (part.startsWith("!")) return !(part.slice(1) in labels);
    const [key, value] = part.split("=");
    return value === undefined ? part in labels : labels[key!] === value;
  });
}

export function object(
  apiVersion: string,
  kind: string,
  metadata: Record<string, unknown>,
  rest: object = {},
): KubeObject {
  return { apiVersion, kind, metadata, ...rest } as unknown as KubeObject;
}

export function crd(name: string, annotations: Record<string, string> = {}): KubeObject {
  return object("apiextensions.k8s.io/v1", "CustomResourceDefinition", { name, annotations });
}

export function namespaced(name: string): KubeObject {
  return object("v1", "Namespace", { name, labels: {} });
}

export function deployment(namespace: string, name: string, image: string, isAvailable = true): KubeObject {
  return object(
    "apps/v1",
    "Deployment",
    { name, namespace, generation: 1 },
    {
      spec: {
        replicas: 1,
        selector: { matchLabels: { app: name } },
        template: { metadata: { labels: { app: name } }, spec: { containers: [{ image }] } },
      },
      status: { observedGeneration: 1, updatedReplicas: 1, availableReplicas: isAvailable ? 1 : 0 },
    },
  );
}

export function service(namespace: string, name: string, app: string, port: number): KubeObject {
  return object(
    "v1",
    "Service",
    { name, namespace },
    { spec: { selector: { app }, clusterIP: "10.0.0.1", ports: [{ port }] } },
  );
}

export function node(name: string, providerID = ""): KubeObject {
  return object("v1", "Node", { name, labels: {} }, { spec: { providerID } });
}

export function apiService(name: string, namespace: string, serviceName: string): KubeObject {
  return object(
    "apiregistration.k8s.io/v1",
    "APIService",
    { name },
    {
      spec: { service: { namespace, name: serviceName } },
      status: { conditions: [{ type: "Available", status: "True" }] },
    },
  );
}
