import type { KubeClient } from "../../src/kubernetes/kube-client.ts";
import type { KubeObject } from "../../src/kubernetes/objects.ts";
import { resource } from "../../src/kubernetes/objects.ts";
import { scratchNamespace, testKubeconfig } from "./cluster.ts";
import { type Bench, createBench, eventually } from "./cortex.ts";

/** The registry that the test cluster pulls from, and an image in it to build on. */
export const testRegistry = process.env.CORTEX_TEST_REGISTRY ?? "localhost:5000";
export const testBaseImage = process.env.CORTEX_TEST_BASE_IMAGE ?? `${testRegistry}/library/python:3.11-slim`;

/** A bench whose environment is a namespace of its own in the test cluster. */
export interface ClusterBench extends Bench {
  readonly namespace: string;
  readonly client: KubeClient;
}

/** Named `cluster` and made the default; Gateway and Prometheus are those that the cluster says it has. */
export async function createClusterBench(env: Readonly<Record<string, string>> = {}): Promise<ClusterBench> {
  const scratch = await scratchNamespace("cortex-test");
  const bench = await createBench({ KUBECONFIG: testKubeconfig, ...env });
  const flags = ["--namespace", scratch.name, "--registry", testRegistry, "--base-image", testBaseImage];
  const configured = await bench.cortex(["env", "configure", "cluster", ...flags]);
  if (configured.status !== 0) throw new Error(configured.stderr);
  await bench.cortex(["env", "default", "cluster"]);
  const port = await gatewayPort(scratch.client);
  return {
    ...bench,
    namespace: scratch.name,
    client: scratch.client,
    port,
    request: (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init),
    heard: async (look) => (await eventually(async () => ({ seen: await look() }))).seen,
    async [Symbol.asyncDispose]() {
      await bench.cortex(["delete", "--all", "-f"]);
      await bench[Symbol.asyncDispose]();
      await scratch[Symbol.asyncDispose]();
    },
  };
}

interface Service extends KubeObject {
  readonly spec: { readonly ports?: readonly { readonly port: number; readonly nodePort?: number }[] };
}

/** @returns the port on this machine's loopback that leads to the Gateway's listener for HTTP */
async function gatewayPort(client: KubeClient): Promise<number> {
  const options = { labelSelector: "gateway.envoyproxy.io/owning-gateway-namespace=cortex-system" };
  const services = await client.list<Service>(resource.service, options, AbortSignal.timeout(60_000));
  const ports = services?.items.flatMap(({ spec }) => spec.ports ?? []) ?? [];
  const nodePort = ports.find(({ port }) => port === 80)?.nodePort;
  if (nodePort === undefined) throw new Error("the test cluster has no Gateway: run `cortex cluster install` on it");
  return nodePort;
}
