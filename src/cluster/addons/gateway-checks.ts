import type { Problem } from "../../core/errors.ts";
import type { KubeObject } from "../../kubernetes/objects.ts";
import { type ClusterFacts, conditionOf, type Gateway, type LabelSelector, type Listener } from "./facts.ts";
import type { SecretName } from "./gateway-objects.ts";

export interface TlsSecret extends KubeObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}

export function gatewayNamed(facts: ClusterFacts, name: string): Gateway | undefined {
  return facts.gateways.find(({ metadata }) => `${metadata.namespace}/${metadata.name}` === name);
}

/** What keeps a Gateway of somebody else from serving routes of `namespace`. */
export function gatewayProblems(name: string, namespace: string, facts: ClusterFacts): readonly Problem[] {
  const gateway = gatewayNamed(facts, name);
  if (!gateway) {
    const names = facts.gateways.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    const hint = names.length > 0 ? `there are: ${names.join(", ")}` : "leave --gateway out, and one is made";
    return [{ message: `there is no Gateway ${name}`, hint }];
  }
  const programmed = conditionOf(gateway, "Programmed");
  // A Gateway without an address still serves: requests come through a port-forward.
  if (programmed?.status !== "True" && programmed?.reason !== "AddressNotAssigned") {
    const why = programmed?.message ?? `no controller has looked at it (class ${gateway.spec.gatewayClassName})`;
    return [
      {
        message: `Gateway ${name} is not programmed: ${why}`,
        hint: `kubectl -n ${name.replace("/", " describe gateway ")}`,
      },
    ];
  }
  const labels = facts.namespaces.find(({ metadata }) => metadata.name === namespace)?.metadata.labels;
  const listeners = gateway.spec.listeners.filter(({ protocol }) => protocol === "HTTP" || protocol === "HTTPS");
  if (listeners.some((one) => takesRoutes(one, gateway.metadata.namespace!, namespace, labels))) return [];
  const fields = listeners.map(
    (one) => `listeners[${one.name}].allowedRoutes.namespaces.from is ${one.allowedRoutes?.namespaces?.from ?? "Same"}`,
  );
  return [
    {
      message: `Gateway ${name} takes no routes of namespace ${namespace}: ${fields.join(", ") || "it has no HTTP listener"}`,
      hint: "set spec.listeners[].allowedRoutes.namespaces.from to All, or to Selector with labels that the namespace has",
    },
  ];
}

function takesRoutes(
  { allowedRoutes }: Listener,
  ownNamespace: string,
  namespace: string,
  labels: Readonly<Record<string, string>> | undefined,
): boolean {
  const { from = "Same", selector } = allowedRoutes?.namespaces ?? {};
  const kinds = allowedRoutes?.kinds ?? [];
  if (kinds.length > 0 && !kinds.some(({ kind }) => kind === "HTTPRoute")) return false;
  if (from === "All") return true;
  if (from === "Same") return namespace === ownNamespace;
  return from === "Selector" && selector !== undefined && isSelected(selector, labels ?? {});
}

/** Expressions are not evaluated: they are taken to select. */
function isSelected({ matchLabels = {} }: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(matchLabels).every(([key, value]) => labels[key] === value);
}

export function classProblems(name: string, facts: ClusterFacts): readonly Problem[] {
  const found = facts.gatewayClasses.find(({ metadata }) => metadata.name === name);
  if (!found) {
    const names = facts.gatewayClasses.map(({ metadata }) => metadata.name);
    const hint =
      names.length > 0 ? `there are: ${names.join(", ")}` : "leave --gateway-class out: Envoy Gateway is installed";
    return [{ message: `there is no GatewayClass ${name}`, hint }];
  }
  const accepted = conditionOf(found, "Accepted");
  if (accepted?.status === "True") return [];
  const why = accepted?.message ?? "no controller has looked at it";
  return [{ message: `GatewayClass ${name} is not accepted: ${why}`, hint: "see that its controller runs" }];
}

/** @param now milliseconds since the epoch */
export async function certificateProblems(
  { namespace, name }: SecretName,
  secret: TlsSecret | undefined,
  now: number,
): Promise<readonly Problem[]> {
  const text = `Secret ${namespace}/${name}`;
  if (!secret) {
    const hint = `kubectl -n ${namespace} create secret tls ${name} --cert FILE --key FILE`;
    return [{ message: `there is no ${text}`, hint }];
  }
  if (secret.type !== "kubernetes.io/tls") {
    return [
      {
        message: `${text} is of type ${secret.type ?? "Opaque"}, not kubernetes.io/tls`,
        hint: "kubectl create secret tls makes one of the right type",
      },
    ];
  }
  const { X509Certificate } = await import("node:crypto");
  try {
    const { validTo } = new X509Certificate(Buffer.from(secret.data?.["tls.crt"] ?? "", "base64"));
    if (Date.parse(validTo) > now) return [];
    return [{ message: `the certificate in ${text} ended ${validTo}`, hint: "renew it first" }];
  } catch {
    return [{ message: `${text} holds no certificate`, hint: "its tls.crt must be a certificate as PEM" }];
  }
}
