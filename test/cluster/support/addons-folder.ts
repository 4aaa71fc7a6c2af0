import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Manifests as small as they may be: one of each that a release is made of. */
export const manifests: Readonly<Record<string, string>> = {
  "gateway-api": definition("httproutes.gateway.networking.k8s.io", "gateway.networking.k8s.io", "HTTPRoute", "v1.6.1"),
  "envoy-gateway": [
    "apiVersion: v1\nkind: Namespace\nmetadata: {name: envoy-gateway-system}\n",
    definition("gateways.gateway.networking.k8s.io", "gateway.networking.k8s.io", "Gateway", "v1.6.1-experimental"),
    definition("envoyproxies.gateway.envoyproxy.io", "gateway.envoyproxy.io", "EnvoyProxy"),
    program("envoy-gateway-system", "envoy-gateway", "docker.io/envoyproxy/gateway:v1.9.1"),
    "apiVersion: batch/v1\nkind: Job\nmetadata: {name: certgen, namespace: envoy-gateway-system}\n",
  ].join("---\n"),
  keda: [
    "apiVersion: v1\nkind: Namespace\nmetadata: {name: keda}\n",
    definition("scaledobjects.keda.sh", "keda.sh", "ScaledObject"),
    program("keda", "keda-operator", "ghcr.io/kedacore/keda:2.21.0"),
    program("keda", "keda-metrics-apiserver", "ghcr.io/kedacore/keda-metrics-apiserver:2.21.0"),
  ].join("---\n"),
  "metrics-server": program("kube-system", "metrics-server", "registry.k8s.io/metrics-server/metrics-server:v0.9.0"),
};

export async function addonsFolder(files: Readonly<Record<string, string>> = manifests): Promise<string> {
  const folder = join(await mkdtemp(join(tmpdir(), "cortex-addons-")), "addons");
  await mkdir(folder);
  await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(folder, `${name}.yaml`), text)));
  return folder;
}

function definition(name: string, group: string, kind: string, bundle?: string): string {
  const annotations = bundle ? `, annotations: {gateway.networking.k8s.io/bundle-version: ${bundle}}` : "";
  return `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ${name}${annotations}}
spec:
  group: ${group}
  names: {kind: ${kind}, plural: ${name.split(".")[0]}}
  versions: [{name: v1, served: true}]
`;
}

function program(namespace: string, name: string, image: string): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {containers: [{name: main, image: "${image}", args: [--a]}]}
`;
}
