import type { Check } from "../../../core/check.ts";
import type { KubeClient } from "../../../kubernetes/kube-client.ts";
import { type KubeObject, resource } from "../../../kubernetes/objects.ts";

/** The first with native sidecars, which an API's pod has. */
const oldestMinorVersion = 29;

export interface NamedLook {
  readonly name: string;
  look(signal: AbortSignal): Promise<Check>;
}

export function versionCheck({ server, context }: KubeClient, version: string): Check {
  const name = "cluster";
  const message = `Kubernetes ${version} at ${server}, context ${context}`;
  const minor = Number(version.match(/^v?\d+\.(\d+)/)?.[1] ?? 0);
  if (minor >= oldestMinorVersion) return { name, status: "ok", message };
  return { name, status: "fail", message, fix: `use a cluster of Kubernetes 1.${oldestMinorVersion} or newer` };
}

/** @returns who the API server takes us for */
export async function userCheck(client: KubeClient, signal: AbortSignal): Promise<Check> {
  const { status } = await client.json<{ readonly status: { readonly userInfo: { readonly username?: string } } }>(
    {
      method: "POST",
      path: "/apis/authentication.k8s.io/v1/selfsubjectreviews",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" }),
    },
    signal,
  );
  return {
    name: "credentials",
    status: "ok",
    message: `the API server knows you as ${status.userInfo.username ?? "nobody"}`,
  };
}

const enforceLabel = "pod-security.kubernetes.io/enforce";

/** @param environment its name */
export async function namespaceChecks(
  client: KubeClient,
  environment: string,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const name = "namespace";
  let found: KubeObject | undefined;
  try {
    found = await client.get(resource.namespace, undefined, namespace, signal);
  } catch (error) {
    if ((error as { status?: number }).status !== 403) throw error;
    return [{ name, status: "ok", message: `${namespace}; whether it exists may not be looked at` }];
  }
  if (!found) {
    const fix = `kubectl create namespace ${namespace}, or name another: cortex env configure ${environment} --namespace NAMESPACE`;
    return [{ name, status: "fail", message: `there is no namespace ${namespace}`, fix }];
  }
  const level = found.metadata.labels?.[enforceLabel];
  const isStrict = level === "restricted" || level === "baseline";
  const message = isStrict
    ? `${level}: handlers are admitted; containers of your own must conform to it, too`
    : "no level is enforced";
  return [
    { name, status: "ok", message: namespace },
    { name: "pod security", status: "ok", message },
  ];
}

interface NodeObject extends KubeObject {
  readonly status?: { readonly nodeInfo?: { readonly architecture?: string } };
}

export async function nodesCheck(client: KubeClient, signal: AbortSignal): Promise<Check> {
  const name = "nodes";
  try {
    const nodes = (await client.list<NodeObject>(resource.node, {}, signal))?.items ?? [];
    const counts = Map.groupBy(nodes, ({ status }) => status?.nodeInfo?.architecture ?? "unknown");
    const text = [...counts].map(([architecture, some]) => `${some.length} ${architecture}`).join(", ");
    if (nodes.length > 0) return { name, status: "ok", message: text };
    return { name, status: "warn", message: "there is none", fix: "add nodes, or let an autoscaler add them" };
  } catch (error) {
    if ((error as { status?: number }).status !== 403) throw error;
    const message = "may not be listed; images are made for the API server's own architecture";
    return {
      name,
      status: "warn",
      message,
      fix: "`cortex cluster install --print-rbac` prints the ClusterRole cortex-reader",
    };
  }
}

const mostSkewMs = 60_000;

/** Tokens and signatures of clouds are good for minutes: a clock that is wrong makes them void. */
export function clockCheck(serverTime: number | undefined, now: number): Check {
  const name = "clock";
  if (serverTime === undefined) return { name, status: "ok", message: "the API server does not say what time it is" };
  const skewMs = Math.abs(now - serverTime);
  if (skewMs <= mostSkewMs) return { name, status: "ok", message: "as the API server's, within a minute" };
  const message = `${Math.round(skewMs / 1000)} s ${now > serverTime ? "ahead of" : "behind"} the API server's`;
  return { name, status: "warn", message, fix: "let this machine's clock be set over the network (NTP)" };
}

interface RegistryOptions {
  readonly name: string;
  readonly registry?: string;
  readonly baseImage: string;
  checkPush(repository: string, signal: AbortSignal): Promise<void>;
  resolveImage(image: string, signal: AbortSignal): Promise<string>;
}

/** What is asked of registries, from this machine. */
export function registryChecks({
  name,
  registry,
  baseImage,
  checkPush,
  resolveImage,
}: RegistryOptions): readonly NamedLook[] {
  return [
    {
      name: "registry",
      async look(signal) {
        if (registry === undefined) {
          const message = "none is configured: APIs of handlers cannot be deployed, APIs of containers can";
          const fix = `cortex env configure ${name} --registry REGISTRY/PREFIX`;
          return { name: "registry", status: "warn", message, fix };
        }
        await checkPush(`${registry.replace(/\/+$/, "")}/cortex`, signal);
        return { name: "registry", status: "ok", message: `${registry} takes images from this machine` };
      },
    },
    {
      name: "base image",
      async look(signal) {
        const digest = await resolveImage(baseImage, signal);
        return { name: "base image", status: "ok", message: `${baseImage} is ${digest.slice(0, 19)}` };
      },
    },
  ];
}
