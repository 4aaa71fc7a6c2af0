import type { Compute } from "../../../spec/api.ts";

/** What the makers of clusters call the label that names a node's group; ours first. */
const nodeGroupLabels = [
  "cortex.dev/node-group",
  "alpha.eksctl.io/nodegroup-name",
  "eks.amazonaws.com/nodegroup",
  "karpenter.sh/nodepool",
  "cloud.google.com/gke-nodepool",
  "kubernetes.azure.com/agentpool",
];

/** Taints by which node groups keep other pods away; who names the group means them, spot nodes included. */
const nodeGroupTaints = [
  "cortex.dev/node-group",
  "cortex.dev/spot",
  "cloud.google.com/gke-spot",
  "kubernetes.azure.com/scalesetpriority",
];

export const gpuResource = "nvidia.com/gpu";
export const infResource = "aws.amazon.com/neuron";

/** Any of `node_groups`, and past the taints of the nodes that are meant. */
export function schedulingOf(nodeGroups: readonly string[] | null, compute: Pick<Compute, "gpu" | "inf">): object {
  const taints = [
    ...(compute.gpu > 0 ? [gpuResource] : []),
    ...(compute.inf > 0 ? [infResource] : []),
    ...(nodeGroups ? nodeGroupTaints : []),
  ];
  return {
    ...(nodeGroups && {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: nodeGroupLabels.map((key) => ({
              matchExpressions: [{ key, operator: "In", values: nodeGroups }],
            })),
          },
        },
      },
    }),
    ...(taints.length > 0 && {
      tolerations: taints.map((key) => ({ key, operator: "Exists", effect: "NoSchedule" })),
    }),
  };
}
