/** What a cluster has that objects of APIs can use. */
export interface ClusterFeatures {
  /** Minor version of the API server: 34 for 1.34. */
  readonly minorVersion: number;
  /** The Gateway that APIs are reached through; undefined where there is none, or no Gateway API. */
  readonly gateway: ClusterGateway | undefined;
  readonly hasKeda: boolean;
  /** As pods reach it, e.g. `http://prometheus.monitoring:9090`; undefined where there is none. */
  readonly prometheusUrl: string | undefined;
  /** Whether the Prometheus operator runs, which wants a PodMonitor. */
  readonly hasPodMonitor: boolean;
}

export interface ClusterGateway {
  readonly namespace: string;
  readonly name: string;
  /** Whether Envoy Gateway serves it, whose own kinds can then be used. */
  readonly isEnvoyGateway: boolean;
}

/** The data of the ConfigMap that `names.clusterConfig` names. Absent keys: not there. */
export interface ClusterConfigData {
  /** `namespace/name`. */
  readonly gateway?: string;
  /** Controller of the Gateway's class, e.g. `gateway.envoyproxy.io/gatewayclass-controller`. */
  readonly gatewayController?: string;
  readonly prometheus?: string;
}
