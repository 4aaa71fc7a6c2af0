import type { CloudSettings } from "../../../core/cluster.ts";
import type { Problem } from "../../../core/errors.ts";

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

/**
 * Pure. Of a load balancer that is there EKS changes neither where it is reached from nor of which kind it is: it would go on as it
 * was, or be left behind by one with another address.
 * @param before as it was written down when it was made
 * @returns what the user asks for all the same
 */
export function loadBalancerStays(before: CloudSettings, wanted: CloudSettings): readonly Problem[] {
  const hint =
    "the load balancer of a cluster stays as it was made: write what it has. Another one comes with another cluster, to which " +
    "`cortex cluster export` brings the APIs";
  return (["type", "scheme"] as const).flatMap((field) => {
    const [from, to] = [before.loadBalancer[field], wanted.loadBalancer[field]];
    return from === to ? [] : [{ message: `api_load_balancer_${field} is ${from} and cannot become ${to}`, hint }];
  });
}

/** Tags that the annotation has no way to write are left out. */
function tagsText(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags)
    .filter((pair) => pair.every((text) => !/[,=]/.test(text)))
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
}
