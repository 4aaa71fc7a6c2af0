/** An add-on that comes from its project's own release: which, from where, and what it must look like. */
export interface Release {
  readonly name: "gateway-api" | "envoy-gateway" | "keda" | "metrics-server";
  readonly version: string;
  /** The manifest of this release as its project publishes it. */
  readonly url: string;
  /**
   * SHA-256 of what `url` gives, hex. Undefined: not known when this was written, since the projects publish none; then only
   * `images` and `bundle` say whether it is the right file.
   */
  readonly sha256?: string;
  /** Namespaces that its objects may be in. */
  readonly namespaces: readonly string[];
  /** Every image of this repository must have this tag. */
  readonly images: readonly (readonly [repository: string, tag: string])[];
  /** Its CRDs: their API group, and the annotation that tells their version. */
  readonly crdGroup?: string;
  readonly bundle?: string;
  /** CRDs of these groups that stand in the manifest are left out: another add-on brings them. */
  readonly withoutGroups?: readonly string[];
  /** Of an installation by others: older ones lack what APIs use. */
  readonly oldest: string;
}

export const gatewayGroup = "gateway.networking.k8s.io";
export const envoyGroup = "gateway.envoyproxy.io";
export const kedaGroup = "keda.sh";
export const bundleAnnotation = `${gatewayGroup}/bundle-version`;

export const releases: Readonly<Record<Release["name"], Release>> = {
  "gateway-api": {
    name: "gateway-api",
    version: "v1.6.1",
    url: "https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.6.1/standard-install.yaml",
    namespaces: [],
    images: [],
    crdGroup: gatewayGroup,
    bundle: "v1.6.1",
    // HTTPRoute of v1, with timeouts and mirrors.
    oldest: "v1.0.0",
  },
  "envoy-gateway": {
    name: "envoy-gateway",
    version: "v1.9.1",
    url: "https://github.com/envoyproxy/gateway/releases/download/v1.9.1/install.yaml",
    namespaces: ["envoy-gateway-system"],
    images: [["envoyproxy/gateway", "v1.9.1"]],
    crdGroup: envoyGroup,
    withoutGroups: [gatewayGroup, "gateway.networking.x-k8s.io"],
    // Answers of the gateway itself (HTTPRouteFilter).
    oldest: "v1.3.0",
  },
  keda: {
    name: "keda",
    version: "2.21.0",
    url: "https://github.com/kedacore/keda/releases/download/v2.21.0/keda-2.21.0-core.yaml",
    namespaces: ["keda", "kube-system"],
    images: [
      ["kedacore/keda", "2.21.0"],
      ["kedacore/keda-metrics-apiserver", "2.21.0"],
    ],
    crdGroup: kedaGroup,
    // The first that is made for Kubernetes 1.29.
    oldest: "2.13.0",
  },
  "metrics-server": {
    name: "metrics-server",
    version: "v0.9.0",
    url: "https://github.com/kubernetes-sigs/metrics-server/releases/download/v0.9.0/components.yaml",
    namespaces: ["kube-system"],
    images: [["metrics-server/metrics-server", "v0.9.0"]],
    oldest: "v0.6.0",
  },
};

/** Envoy Gateway v1.9 watches kinds that older Gateway API CRDs lack. */
export const oldestGatewayApiForEnvoyGateway = "v1.5.0";

/** Our own manifest (prometheus.ts) runs this. */
export const prometheusRelease = {
  version: "v3.13.0",
  image: "docker.io/prom/prometheus:v3.13.0",
  oldest: "v2.40.0",
} as const;

/** -1, 0 or 1, by the numbers of `a` and `b`; what stands after them (`-rc.1`, `+eks`) is not looked at. */
export function compareVersions(a: string, b: string): number {
  const numbers = (version: string) => (version.match(/\d+(\.\d+)*/)?.[0] ?? "0").split(".").map(Number);
  const [left, right] = [numbers(a), numbers(b)];
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}
