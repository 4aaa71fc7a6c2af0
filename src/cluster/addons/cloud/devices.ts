import type { CloudNodeGroup, CloudSettings } from "../../../core/cluster.ts";
import type { KubeObject } from "../../../kubernetes/objects.ts";
import { objectsFor, ruled } from "./common.ts";

export const nvidiaVersion = "v0.17.4";
export const neuronVersion = "2.24.23.0";
const namespace = "kube-system";
const plugins = { name: "device-plugin", path: "/var/lib/kubelet/device-plugins" };

/** Tells Kubernetes of the GPUs that a node has. None without a group of such nodes. */
export function nvidiaObjects({ nodeGroups }: CloudSettings): readonly KubeObject[] {
  const groups = labelsOf(nodeGroups, "gpu");
  if (groups.length === 0) return [];
  const name = "nvidia-device-plugin";
  const labels = { "app.kubernetes.io/name": name };
  const container = {
    name,
    image: `nvcr.io/nvidia/k8s-device-plugin:${nvidiaVersion}`,
    // Where a driver fails it says so again and again, and does not end.
    env: [{ name: "FAIL_ON_INIT_ERROR", value: "false" }],
  };
  return objectsFor([
    {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name, namespace, labels },
      automountServiceAccountToken: false,
    },
    daemonSet({ name, labels, groups, taint: "nvidia.com/gpu", container, paths: [plugins] }),
  ]);
}

/** The same for Inferentia. It writes to the pods which device each of them has. */
export function neuronObjects({ nodeGroups }: CloudSettings): readonly KubeObject[] {
  const groups = labelsOf(nodeGroups, "inf");
  if (groups.length === 0) return [];
  const name = "neuron-device-plugin";
  const labels = { "app.kubernetes.io/name": name };
  const container = {
    name,
    image: `public.ecr.aws/neuron/neuron-device-plugin:${neuronVersion}`,
    env: [
      { name: "KUBECONFIG", value: "/etc/kubernetes/kubelet.conf" },
      { name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } },
    ],
  };
  const paths = [plugins, { name: "run", path: "/run" }];
  return objectsFor([
    ...ruled({ name, namespace, labels }, [
      { apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch"] },
      { apiGroups: [""], resources: ["nodes/status"], verbs: ["patch", "update"] },
      { apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch", "patch", "update"] },
      { apiGroups: [""], resources: ["events"], verbs: ["create", "patch"] },
    ]),
    daemonSet({ name, labels, groups, taint: "aws.amazon.com/neuron", container, paths }),
  ]);
}

function labelsOf(groups: readonly CloudNodeGroup[], wanted: CloudNodeGroup["devices"]): readonly string[] {
  return [...new Set(groups.filter(({ devices }) => devices === wanted).map(({ label }) => label))];
}

interface Plugin {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Values of the label of the nodes that it is for. */
  readonly groups: readonly string[];
  readonly taint: string;
  readonly container: object;
  /** Of the node, under the same name inside. */
  readonly paths: readonly { readonly name: string; readonly path: string }[];
}

function daemonSet({ name, labels, groups, taint, container, paths }: Plugin): unknown {
  const requirement = { key: "cortex.dev/node-group", operator: "In", values: groups };
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name, namespace, labels },
    spec: {
      selector: { matchLabels: labels },
      updateStrategy: { type: "RollingUpdate" },
      template: {
        metadata: { labels },
        spec: {
          serviceAccountName: name,
          priorityClassName: "system-node-critical",
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [{ matchExpressions: [requirement] }],
              },
            },
          },
          tolerations: [
            { key: taint, operator: "Exists", effect: "NoSchedule" },
            { key: "cortex.dev/spot", operator: "Exists", effect: "NoSchedule" },
          ],
          containers: [
            {
              ...container,
              resources: { requests: { cpu: "20m", memory: "64Mi" }, limits: { memory: "256Mi" } },
              securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
              volumeMounts: paths.map((one) => ({ name: one.name, mountPath: one.path })),
            },
          ],
          volumes: paths.map((one) => ({ name: one.name, hostPath: { path: one.path } })),
        },
      },
    },
  };
}
