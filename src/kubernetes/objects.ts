/** What every object of a cluster has. Fields that a caller needs beyond these, it types itself. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  /** RFC 3339. */
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly managedFields?: readonly ManagedFields[];
  readonly finalizers?: readonly string[];
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

export interface ManagedFields {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly subresource?: string;
  readonly time?: string;
  readonly fieldsV1: Readonly<Record<string, unknown>>;
}

/** A kind of object, and where the API server keeps it. */
export interface ResourceType {
  readonly apiVersion: string;
  readonly kind: string;
  /** Lower case, as in paths and in rules of roles. */
  readonly plural: string;
  readonly isNamespaced: boolean;
}

/** A kind whose objects lie in a namespace. */
export const namespaced = (apiVersion: string, kind: string, plural: string): ResourceType => ({
  apiVersion,
  kind,
  plural,
  isNamespaced: true,
});
/** A kind whose objects are the whole cluster's. */
export const clusterWide = (apiVersion: string, kind: string, plural: string): ResourceType => ({
  apiVersion,
  kind,
  plural,
  isNamespaced: false,
});

/** Every kind that Cortex reads or writes by name. */
export const resource = {
  namespace: clusterWide("v1", "Namespace", "namespaces"),
  node: clusterWide("v1", "Node", "nodes"),
  configMap: namespaced("v1", "ConfigMap", "configmaps"),
  secret: namespaced("v1", "Secret", "secrets"),
  service: namespaced("v1", "Service", "services"),
  serviceAccount: namespaced("v1", "ServiceAccount", "serviceaccounts"),
  pod: namespaced("v1", "Pod", "pods"),
  event: namespaced("v1", "Event", "events"),
  endpointSlice: namespaced("discovery.k8s.io/v1", "EndpointSlice", "endpointslices"),
  deployment: namespaced("apps/v1", "Deployment", "deployments"),
  replicaSet: namespaced("apps/v1", "ReplicaSet", "replicasets"),
  controllerRevision: namespaced("apps/v1", "ControllerRevision", "controllerrevisions"),
  podDisruptionBudget: namespaced("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
  horizontalPodAutoscaler: namespaced("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
  scaledObject: namespaced("keda.sh/v1alpha1", "ScaledObject", "scaledobjects"),
  gatewayClass: clusterWide("gateway.networking.k8s.io/v1", "GatewayClass", "gatewayclasses"),
  gateway: namespaced("gateway.networking.k8s.io/v1", "Gateway", "gateways"),
  httpRoute: namespaced("gateway.networking.k8s.io/v1", "HTTPRoute", "httproutes"),
  /** Of Envoy Gateway: answers that the gateway gives by itself. */
  httpRouteFilter: namespaced("gateway.envoyproxy.io/v1alpha1", "HTTPRouteFilter", "httproutefilters"),
  backendTrafficPolicy: namespaced("gateway.envoyproxy.io/v1alpha1", "BackendTrafficPolicy", "backendtrafficpolicies"),
  /** Of the Prometheus operator. */
  podMonitor: namespaced("monitoring.coreos.com/v1", "PodMonitor", "podmonitors"),
} as const;
