import type { CloudSettings } from "../../core/cluster.ts";
import { clusterConfig } from "../../kubernetes/labels.ts";
import type { KubeObject } from "../../kubernetes/objects.ts";
import { loadBalancerService } from "./cloud/load-balancer.ts";
import { envoyGroup, gatewayGroup } from "./releases.ts";

/** Namespace and name of the Gateway that `cluster install` makes, and of all that belongs to it. */
export const ourGateway = clusterConfig;
const { namespace, name } = ourGateway;
export const envoyController = `${envoyGroup}/gatewayclass-controller`;

export interface GatewayWishes {
  /** A class that the cluster has; undefined: one of Envoy Gateway is made. */
  readonly gatewayClass: string | undefined;
  /** Name of Envoy Gateway's controller, where the class is made. */
  readonly controller: string;
  /** Of Envoy's proxies: two where one node may go away. */
  readonly proxies: number;
  readonly certificate: SecretName | undefined;
  /** Where a load balancer of a cloud comes before the proxies. */
  readonly cloud?: CloudSettings | undefined;
}

export interface SecretName {
  readonly namespace: string;
  readonly name: string;
}

/** @param text `secret` or `namespace/secret` */
export function secretName(text: string): SecretName {
  const [first, second] = text.split("/");
  return second === undefined ? { namespace, name: first! } : { namespace: first!, name: second };
}

/** The Gateway, its class, and how its proxies treat requests: with no time limit, and with no header refused that APIs may want. */
export function gatewayObjects(wishes: GatewayWishes): readonly KubeObject[] {
  const { gatewayClass, certificate, cloud } = wishes;
  const isEndedBefore = cloud?.loadBalancer.certificateArn !== undefined;
  return [
    ...(gatewayClass === undefined ? classObjects(wishes) : []),
    ...(certificate && certificate.namespace !== namespace ? [grantFor(certificate)] : []),
    {
      apiVersion: `${gatewayGroup}/v1`,
      kind: "Gateway",
      metadata: { name, namespace },
      spec: {
        gatewayClassName: gatewayClass ?? name,
        listeners: [
          { name: "http", protocol: "HTTP", port: 80, allowedRoutes: { namespaces: { from: "All" } } },
          ...(certificate ? [httpsListener(certificate)] : []),
          ...(isEndedBefore && !certificate ? [endedListener] : []),
        ],
      },
    } as KubeObject,
    ...(gatewayClass === undefined ? policies() : []),
  ];
}

/** What the load balancer has taken TLS off. */
const endedListener = {
  name: "https",
  protocol: "HTTP",
  port: 443,
  allowedRoutes: { namespaces: { from: "All" } },
};

function classObjects({ controller, proxies, cloud }: GatewayWishes): readonly KubeObject[] {
  return [
    {
      apiVersion: `${envoyGroup}/v1alpha1`,
      kind: "EnvoyProxy",
      metadata: { name, namespace },
      spec: {
        // On top of what Envoy Gateway itself is told, such as where images are mirrored.
        mergeType: "StrategicMerge",
        provider: {
          type: "Kubernetes",
          kubernetes: {
            envoyDeployment: {
              replicas: proxies,
              container: { resources: { requests: { cpu: "100m", memory: "128Mi" } } },
              ...(cloud && { pod: { topologySpreadConstraints: [apart] } }),
            },
            ...(cloud && { envoyService: loadBalancerService(cloud) }),
            ...(cloud && proxies > 1 && { envoyPDB: { minAvailable: 1 } }),
          },
        },
      },
    } as KubeObject,
    {
      apiVersion: `${gatewayGroup}/v1`,
      kind: "GatewayClass",
      metadata: { name },
      spec: {
        controllerName: controller,
        parametersRef: { group: envoyGroup, kind: "EnvoyProxy", name, namespace },
      },
    } as KubeObject,
  ];
}

/** Proxies on nodes of their own, where there are as many. */
const apart = {
  maxSkew: 1,
  topologyKey: "kubernetes.io/hostname",
  whenUnsatisfiable: "ScheduleAnyway",
  labelSelector: { matchLabels: { "gateway.envoyproxy.io/owning-gateway-name": name } },
};

function httpsListener(certificate: SecretName): unknown {
  return {
    name: "https",
    protocol: "HTTPS",
    port: 443,
    allowedRoutes: { namespaces: { from: "All" } },
    tls: {
      mode: "Terminate",
      certificateRefs: [{ group: "", kind: "Secret", name: certificate.name, namespace: certificate.namespace }],
    },
  };
}

/** Lets the Gateway read one Secret of another namespace. */
function grantFor(certificate: SecretName): KubeObject {
  return {
    apiVersion: `${gatewayGroup}/v1beta1`,
    kind: "ReferenceGrant",
    metadata: { name: `${name}-certificate`, namespace: certificate.namespace },
    spec: {
      from: [{ group: gatewayGroup, kind: "Gateway", namespace }],
      to: [{ group: "", kind: "Secret", name: certificate.name }],
    },
  } as KubeObject;
}

function policies(): readonly KubeObject[] {
  const target = { targetRefs: [{ group: gatewayGroup, kind: "Gateway", name }] };
  return [
    {
      apiVersion: `${envoyGroup}/v1alpha1`,
      kind: "BackendTrafficPolicy",
      metadata: { name, namespace },
      // Envoy's own limit is 15 s for a whole response, and 5 min of silence.
      spec: { ...target, timeout: { http: { requestTimeout: "0s", streamIdleTimeout: "0s" } } },
    } as KubeObject,
    {
      apiVersion: `${envoyGroup}/v1alpha1`,
      kind: "ClientTrafficPolicy",
      metadata: { name, namespace },
      spec: {
        ...target,
        timeout: { http: { streamIdleTimeout: "0s" } },
        // With no limit on silence, this is what finds clients that are gone.
        tcpKeepalive: { probes: 3, idleTime: "60s", interval: "20s" },
        headers: { withUnderscoresAction: "Allow", requestID: "PreserveOrGenerate" },
      },
    } as KubeObject,
  ];
}
