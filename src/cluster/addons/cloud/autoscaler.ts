import type { CloudNodeGroup, CloudSettings } from "../../../core/cluster.ts";
import type { KubeObject } from "../../../kubernetes/objects.ts";
import { nonRoot, objectsFor, ruled } from "./common.ts";

const name = "cluster-autoscaler";
const namespace = "kube-system";
const labels = { "app.kubernetes.io/name": name };
const port = 8085;

/** The autoscaler knows what the scheduler of one minor version does: the newest patch of each that EKS runs. */
const releases: Readonly<Record<string, string>> = {
  "1.32": "v1.32.7",
  "1.33": "v1.33.5",
  "1.34": "v1.34.4",
  "1.35": "v1.35.1",
};
const newest = "1.35";

/** @param kubernetesVersion `1.34` @returns the release made for it; of a version that is not known yet, the newest */
export function autoscalerVersion(kubernetesVersion: string): string {
  return releases[kubernetesVersion] ?? releases[newest]!;
}

/** Adds nodes while pods wait for one, the groups of the highest priority first, and takes away those that stand idle. */
export function autoscalerObjects(cloud: CloudSettings): readonly KubeObject[] {
  const meta = { name, namespace, labels };
  return objectsFor([
    ...ruled(meta, rules),
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "Role",
      metadata: meta,
      rules: [
        { apiGroups: [""], resources: ["configmaps"], verbs: ["create", "list", "watch"] },
        {
          apiGroups: [""],
          resources: ["configmaps"],
          resourceNames: ["cluster-autoscaler-status", priorities],
          verbs: ["get", "update", "delete", "watch"],
        },
      ],
    },
    {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "RoleBinding",
      metadata: meta,
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name },
      subjects: [{ kind: "ServiceAccount", name, namespace }],
    },
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: priorities, namespace, labels },
      data: { priorities: prioritiesText(cloud.nodeGroups) },
    },
    // Else no node that it runs on could ever be taken away.
    {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: meta,
      spec: { maxUnavailable: 1, selector: { matchLabels: labels } },
    },
    { apiVersion: "apps/v1", kind: "Deployment", metadata: meta, spec: deploymentSpec(cloud) },
  ]);
}

/** A name that the autoscaler looks for. */
const priorities = "cluster-autoscaler-priority-expander";

/**
 * EKS names the Auto Scaling group of a node group `eks-NAME-UUID`; of groups that match nothing, none would ever grow.
 * @returns YAML: a list of patterns for each priority
 */
export function prioritiesText(groups: readonly CloudNodeGroup[]): string {
  const byPriority = Map.groupBy(groups, ({ priority }) => priority);
  const lines = [...byPriority]
    .sort(([a], [b]) => b - a)
    .flatMap(([priority, same]) => [
      `${priority}:`,
      ...same.map((group) => `  - "^eks-${group.name}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"`),
    ]);
  return `${lines.join("\n")}\n`;
}

const seen = ["get", "list", "watch"];
const rules = [
  { apiGroups: ["", "events.k8s.io"], resources: ["events"], verbs: ["create", "patch"] },
  { apiGroups: [""], resources: ["pods/eviction"], verbs: ["create"] },
  { apiGroups: [""], resources: ["pods/status"], verbs: ["update"] },
  { apiGroups: [""], resources: ["nodes"], verbs: [...seen, "update"] },
  {
    apiGroups: [""],
    resources: [
      "namespaces",
      "pods",
      "services",
      "replicationcontrollers",
      "persistentvolumeclaims",
      "persistentvolumes",
    ],
    verbs: seen,
  },
  { apiGroups: ["apps"], resources: ["daemonsets", "replicasets", "statefulsets"], verbs: seen },
  { apiGroups: ["batch"], resources: ["jobs", "cronjobs"], verbs: seen },
  { apiGroups: ["policy"], resources: ["poddisruptionbudgets"], verbs: seen },
  {
    apiGroups: ["storage.k8s.io"],
    resources: ["storageclasses", "csinodes", "csidrivers", "csistoragecapacities", "volumeattachments"],
    verbs: seen,
  },
  { apiGroups: ["resource.k8s.io"], resources: ["deviceclasses", "resourceclaims", "resourceslices"], verbs: seen },
  { apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["create"] },
  { apiGroups: ["coordination.k8s.io"], resources: ["leases"], resourceNames: [name], verbs: ["get", "update"] },
];

function deploymentSpec({ cluster, region, kubernetesVersion, nodeGroups }: CloudSettings): unknown {
  return {
    replicas: 1,
    selector: { matchLabels: labels },
    template: {
      // It reads the priorities by itself: a change of them starts no pod anew.
      metadata: { labels },
      spec: {
        serviceAccountName: name,
        priorityClassName: "system-cluster-critical",
        // Where devices are, pods that need none keep others from them.
        ...awayFrom(nodeGroups),
        securityContext: nonRoot.pod,
        containers: [
          {
            name,
            image: `registry.k8s.io/autoscaling/cluster-autoscaler:${autoscalerVersion(kubernetesVersion)}`,
            command: ["/cluster-autoscaler"],
            args: [
              "--cloud-provider=aws",
              `--namespace=${namespace}`,
              `--node-group-auto-discovery=asg:tag=k8s.io/cluster-autoscaler/enabled,k8s.io/cluster-autoscaler/${cluster}`,
              "--expander=priority,least-waste",
              // Replicas keep nothing on the disk of a node that they could not make again.
              "--skip-nodes-with-local-storage=false",
              "--max-node-provision-time=8m",
              "--stderrthreshold=info",
              "--v=2",
            ],
            env: [{ name: "AWS_REGION", value: region }],
            ports: [{ name: "http", containerPort: port }],
            livenessProbe: {
              httpGet: { path: "/health-check", port: "http" },
              initialDelaySeconds: 30,
              periodSeconds: 20,
              failureThreshold: 6,
            },
            resources: { requests: { cpu: "50m", memory: "200Mi" }, limits: { memory: "1Gi" } },
            securityContext: nonRoot.container,
          },
        ],
      },
    },
  };
}

function awayFrom(groups: readonly CloudNodeGroup[]): object {
  const values = groups.filter(({ devices }) => devices !== undefined).map(({ label }) => label);
  if (values.length === 0) return {};
  return {
    affinity: {
      nodeAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          {
            weight: 100,
            preference: {
              matchExpressions: [{ key: "cortex.dev/node-group", operator: "NotIn", values: [...new Set(values)] }],
            },
          },
        ],
      },
    },
  };
}
