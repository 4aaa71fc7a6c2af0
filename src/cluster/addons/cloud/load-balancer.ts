import type { CloudSettings } from "../../../core/cluster.ts";

const prefix = "service.beta.kubernetes.io/aws-load-balancer-";

/** Of the Service that Envoy Gateway makes for the Gateway: EKS makes the load balancer by it, with nothing installed for that. */
export function loadBalancerService({ cluster, loadBalancer }: CloudSettings): object {
  const { type, scheme, whiteList, certificateArn, tags } = loadBalancer;
  return {
    type: "LoadBalancer",
    // Every node answers: a proxy that moves, or a node that goes, costs no request.
    externalTrafficPolicy: "Cluster",
    ...(whiteList.length > 0 && { loadBalancerSourceRanges: whiteList }),
    annotations: {
      ...(type === "nlb" && { [`${prefix}type`]: "nlb" }),
      ...(scheme === "internal" && { [`${prefix}internal`]: "true" }),
      [`${prefix}cross-zone-load-balancing-enabled`]: "true",
      [`${prefix}backend-protocol`]: "tcp",
      // Of a classic load balancer; long enough for a model that thinks.
      ...(type === "elb" && { [`${prefix}connection-idle-timeout`]: "3600" }),
      ...(certificateArn !== undefined && {
        [`${prefix}ssl-cert`]: certificateArn,
        [`${prefix}ssl-ports`]: "443",
      }),
      [`${prefix}additional-resource-tags`]: tagsText({ ...tags, "cortex.dev/cluster-name": cluster }),
    },
  };
}

/** Tags that the annotation has no way to write are left out. */
function tagsText(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags)
    .filter((pair) => pair.every((text) => !/[,=]/.test(text)))
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
}
