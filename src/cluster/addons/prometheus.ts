import { createHash } from "node:crypto";
import { clusterConfig, ours } from "../../kubernetes/labels.ts";
import type { KubeObject } from "../../kubernetes/objects.ts";
import { prometheusRelease } from "./releases.ts";

const { namespace } = clusterConfig;
const name = "prometheus";
const port = 9090;
/** Of the volume; what is kept ends well below. */
const volumeSize = "5Gi";
const keptSize = "4GB";
const user = 65534;

/** Where pods reach it. */
export const ourPrometheusUrl = `http://${name}.${namespace}:${port}`;

/** Of pods that carry the annotations prometheus.io/scrape, port and path: labels as the widely used Prometheus chart gives them. */
const relabeling = `
    relabel_configs:
    - {source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scrape], regex: "true", action: keep}
    - {source_labels: [__meta_kubernetes_pod_phase], regex: "Succeeded|Failed", action: drop}
    - {source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_path], regex: "(.+)", target_label: __metrics_path__}
    - {source_labels: [__meta_kubernetes_pod_ip, __meta_kubernetes_pod_annotation_prometheus_io_port], regex: '([^:]+);(\\d+)', replacement: "$1:$2", target_label: __address__}
    - {source_labels: [__meta_kubernetes_pod_ip, __meta_kubernetes_pod_annotation_prometheus_io_port], regex: '(.*:.*);(\\d+)', replacement: "[$1]:$2", target_label: __address__}
    - {regex: "__meta_kubernetes_pod_label_(.+)", action: labelmap}
    - {source_labels: [__meta_kubernetes_namespace], target_label: namespace}
    - {source_labels: [__meta_kubernetes_pod_name], target_label: pod}
    - {source_labels: [__meta_kubernetes_pod_node_name], target_label: node}`;

/** Replicas often, since they are scaled by it, and the gateways' proxies; the API server sends no other pods. */
const configuration = `global:
  scrape_interval: 5s
  scrape_timeout: 4s
scrape_configs:
- job_name: cortex-apis
  kubernetes_sd_configs: [{role: pod, selectors: [{role: pod, label: "${ours}"}]}]${relabeling.replaceAll("\n    ", "\n  ")}
- job_name: cortex-gateways
  kubernetes_sd_configs: [{role: pod, selectors: [{role: pod, label: "app.kubernetes.io/managed-by=envoy-gateway"}]}]${relabeling.replaceAll("\n    ", "\n  ")}
`;

const labels = { "app.kubernetes.io/name": name, "app.kubernetes.io/version": prometheusRelease.version };
const selected = { "app.kubernetes.io/name": name };

/**
 * A Prometheus of one replica: two weeks of what the replicas of APIs report, in a volume that goes with its pod. What it holds is
 * worth minutes to the autoscaler and days to people; a disk that outlives it is not worth a storage class that the cluster may lack.
 */
export function prometheusObjects(): readonly KubeObject[] {
  const meta = { name, namespace, labels };
  return [
    { apiVersion: "v1", kind: "ServiceAccount", metadata: meta, automountServiceAccountToken: false },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name: "cortex-prometheus", labels },
      rules: [{ apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"] }],
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: "cortex-prometheus", labels },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cortex-prometheus" },
      subjects: [{ kind: "ServiceAccount", name, namespace }],
    },
    { apiVersion: "v1", kind: "ConfigMap", metadata: meta, data: { "prometheus.yml": configuration } },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: meta,
      spec: { selector: selected, ports: [{ name: "web", port, targetPort: "web" }] },
    },
    { apiVersion: "apps/v1", kind: "Deployment", metadata: meta, spec: deploymentSpec() } as KubeObject,
  ] as readonly KubeObject[];
}

function deploymentSpec(): unknown {
  return {
    replicas: 1,
    // Two at once would be asked in turn, and each know a part.
    strategy: { type: "Recreate" },
    selector: { matchLabels: selected },
    template: {
      metadata: { labels, annotations: { "cortex.dev/configuration": hashOf(configuration) } },
      spec: {
        serviceAccountName: name,
        automountServiceAccountToken: true,
        terminationGracePeriodSeconds: 30,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: user,
          runAsGroup: user,
          fsGroup: user,
          seccompProfile: { type: "RuntimeDefault" },
        },
        containers: [
          {
            name,
            image: prometheusRelease.image,
            args: [
              "--config.file=/etc/prometheus/prometheus.yml",
              "--storage.tsdb.path=/prometheus",
              "--storage.tsdb.retention.time=14d",
              `--storage.tsdb.retention.size=${keptSize}`,
            ],
            ports: [{ name: "web", containerPort: port }],
            startupProbe: { httpGet: { path: "/-/ready", port: "web" }, periodSeconds: 1, failureThreshold: 300 },
            readinessProbe: { httpGet: { path: "/-/ready", port: "web" }, periodSeconds: 5 },
            livenessProbe: { httpGet: { path: "/-/healthy", port: "web" }, periodSeconds: 15, failureThreshold: 6 },
            resources: { requests: { cpu: "50m", memory: "256Mi" }, limits: { memory: "2Gi" } },
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ["ALL"] },
            },
            volumeMounts: [
              { name: "configuration", mountPath: "/etc/prometheus", readOnly: true },
              { name: "data", mountPath: "/prometheus" },
            ],
          },
        ],
        volumes: [
          { name: "configuration", configMap: { name } },
          { name: "data", emptyDir: { sizeLimit: volumeSize } },
        ],
      },
    },
  };
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
