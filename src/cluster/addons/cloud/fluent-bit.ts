import type { CloudSettings } from "../../../core/cluster.ts";
import { label } from "../../../kubernetes/labels.ts";
import type { KubeObject } from "../../../kubernetes/objects.ts";
import { hashOf, objectsFor, ruled } from "./common.ts";

export const fluentBitVersion = "3.4.15";
const name = "fluent-bit";
const namespace = "kube-system";
const labels = { "app.kubernetes.io/name": name };
const port = 2020;
/** On the node: how far each file was read, and what could not be sent yet. */
const stateFolder = "/var/fluent-bit/cortex";
/** In the container; not the image's own. */
const settingsFolder = "/fluent-bit/cortex";

/**
 * Sends what replicas print to CloudWatch, a stream per container named `NAMESPACE.POD.CONTAINER.REVISION`, and nothing else: no
 * logs of the system, no metrics.
 */
export function fluentBitObjects(cloud: CloudSettings): readonly KubeObject[] {
  const meta = { name, namespace, labels };
  const configuration = configurationOf(cloud);
  return objectsFor([
    ...ruled(meta, [{ apiGroups: [""], resources: ["namespaces", "pods"], verbs: ["get", "list", "watch"] }]),
    { apiVersion: "v1", kind: "ConfigMap", metadata: meta, data: { "fluent-bit.conf": configuration } },
    { apiVersion: "apps/v1", kind: "DaemonSet", metadata: meta, spec: daemonSetSpec(cloud, configuration) },
  ]);
}

function configurationOf({ region, logGroup }: CloudSettings): string {
  return `[SERVICE]
    Flush                     2
    Grace                     20
    Log_Level                 warn
    HTTP_Server               On
    HTTP_Listen               0.0.0.0
    HTTP_Port                 ${port}
    storage.path              ${stateFolder}/storage
    storage.backlog.mem_limit 16M

[INPUT]
    Name              tail
    Tag               api.*
    Path              /var/log/containers/*.log
    Exclude_Path      /var/log/containers/*_kube-system_*.log
    multiline.parser  cri
    DB                ${stateFolder}/position.db
    Mem_Buf_Limit     32MB
    Skip_Long_Lines   On
    Refresh_Interval  5
    Rotate_Wait       30
    Read_from_Head    On
    storage.type      filesystem

[FILTER]
    Name             kubernetes
    Match            api.*
    Kube_Tag_Prefix  api.var.log.containers.
    Labels           On
    Annotations      Off
    Merge_Log        Off
    Buffer_Size      0

[FILTER]
    Name   grep
    Match  api.*
    Regex  $kubernetes['labels']['${label.kind}'] .

[OUTPUT]
    Name                cloudwatch_logs
    Match               api.*
    region              ${region}
    log_group_name      ${logGroup}
    log_stream_prefix   other.
    log_stream_template $kubernetes['namespace_name'].$kubernetes['pod_name'].$kubernetes['container_name'].$kubernetes['labels']['${label.revision}']
    log_key             log
    auto_create_group   false
    Retry_Limit         10
    storage.total_limit_size 1G
`;
}

function daemonSetSpec({ region }: CloudSettings, configuration: string): unknown {
  const fromNode = (path: string, type: string) => ({ hostPath: { path, type } });
  return {
    selector: { matchLabels: labels },
    updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "25%" } },
    template: {
      metadata: { labels, annotations: { "cortex.dev/configuration": hashOf(configuration) } },
      spec: {
        serviceAccountName: name,
        priorityClassName: "system-node-critical",
        terminationGracePeriodSeconds: 30,
        nodeSelector: { "kubernetes.io/os": "linux" },
        // Wherever an API may run.
        tolerations: [{ operator: "Exists" }],
        containers: [
          {
            name,
            image: `public.ecr.aws/aws-observability/aws-for-fluent-bit:${fluentBitVersion}`,
            // Not by the image's own script, which adds what is not needed.
            command: ["/fluent-bit/bin/fluent-bit"],
            args: ["-c", `${settingsFolder}/fluent-bit.conf`],
            env: [{ name: "AWS_REGION", value: region }],
            ports: [{ name: "http", containerPort: port }],
            readinessProbe: { httpGet: { path: "/api/v1/uptime", port: "http" }, periodSeconds: 5 },
            resources: { requests: { cpu: "20m", memory: "64Mi" }, limits: { memory: "256Mi" } },
            // The files are root's.
            securityContext: {
              runAsUser: 0,
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ["ALL"] },
              seccompProfile: { type: "RuntimeDefault" },
            },
            volumeMounts: [
              { name: "configuration", mountPath: settingsFolder, readOnly: true },
              { name: "logs", mountPath: "/var/log", readOnly: true },
              { name: "state", mountPath: stateFolder },
              { name: "temporary", mountPath: "/tmp" },
            ],
          },
        ],
        volumes: [
          { name: "configuration", configMap: { name } },
          { name: "logs", ...fromNode("/var/log", "Directory") },
          { name: "state", ...fromNode(stateFolder, "DirectoryOrCreate") },
          { name: "temporary", emptyDir: { sizeLimit: "64Mi" } },
        ],
      },
    },
  };
}
