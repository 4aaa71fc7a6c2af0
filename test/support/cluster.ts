import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { describe } from "vitest";
import { connect } from "../../src/kubernetes/connect.ts";
import type { KubeClient } from "../../src/kubernetes/kube-client.ts";
import { type ResourceType, resource } from "../../src/kubernetes/objects.ts";

/** The disposable cluster that tests may use, by its kubeconfig; "" when there is none. */
export const testKubeconfig = process.env.CORTEX_TEST_KUBECONFIG ?? "";

/** Variables of the environment with the test cluster's kubeconfig, and none that would lead elsewhere. */
export const clusterVariables: Readonly<Record<string, string | undefined>> = {
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  KUBECONFIG: testKubeconfig,
};

/** As `describe`, for tests that need the cluster named by CORTEX_TEST_KUBECONFIG; without it they are skipped. */
export const clusterTest = describe.skipIf(testKubeconfig === "");

/** A client of the test cluster. */
export function clusterClient(): Promise<KubeClient> {
  return connect({ variables: clusterVariables, home: homedir() }, new AbortController().signal);
}

export interface ScratchNamespace extends AsyncDisposable {
  readonly name: string;
  readonly client: KubeClient;
}

/**
 * A namespace of one's own with a client of the cluster; both go when it is disposed of, the namespace in its own time.
 * @param prefix says who made it, for whoever finds it after a crash
 */
export async function scratchNamespace(prefix: string): Promise<ScratchNamespace> {
  const client = await clusterClient();
  const name = `${prefix}-${randomBytes(4).toString("hex")}`;
  const { signal } = new AbortController();
  await client.create({ apiVersion: "v1", kind: "Namespace", metadata: { name } }, signal);
  await Promise.all([
    untilThere(client, resource.serviceAccount, name, "default"),
    untilThere(client, resource.configMap, name, "kube-root-ca.crt"),
  ]);
  return {
    name,
    client,
    async [Symbol.asyncDispose]() {
      await client.remove(resource.namespace, undefined, name, {}, signal);
      await client[Symbol.asyncDispose]();
    },
  };
}

/** What every namespace is given, and what pods need, comes a moment after it. */
async function untilThere(client: KubeClient, type: ResourceType, namespace: string, name: string): Promise<void> {
  const options = { namespace, fieldSelector: `metadata.name=${name}` };
  for await (const event of client.watch(type, options, AbortSignal.timeout(120_000))) {
    if (event.type === "added" || (event.type === "listed" && event.items.length > 0)) return;
  }
}

interface KubeconfigParts {
  readonly server: string;
  readonly authority?: string;
  /** Fields of the user as a kubeconfig has them. */
  readonly user: Readonly<Record<string, unknown>>;
  readonly cluster?: Readonly<Record<string, unknown>>;
  readonly namespace?: string;
}

/** Writes a kubeconfig, as JSON, whose one context is called `test`. @param parts.authority PEM */
export async function writeKubeconfig(file: string, parts: KubeconfigParts): Promise<void> {
  const { server, authority, user, cluster, namespace } = parts;
  const data = authority && { "certificate-authority-data": Buffer.from(authority).toString("base64") };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    clusters: [{ name: "test", cluster: { server, ...data, ...cluster } }],
    users: [{ name: "test", user }],
    contexts: [{ name: "test", context: { cluster: "test", user: "test", ...(namespace && { namespace }) } }],
  };
  await writeFile(file, JSON.stringify(config), { mode: 0o600 });
}
