import type { ResourceContext } from "./context.ts";
import type { Tags } from "./tags.ts";

/** Ids of the VPCs that belong to a cluster alone. Empty: it is in a network of the user's own. */
export type VpcIds = (signal: AbortSignal) => Promise<ReadonlySet<string>>;

/** The tag that Kubernetes puts on what it makes, with the value `owned`. */
export function kubernetesTag({ clusterName }: ResourceContext): string {
  return `kubernetes.io/cluster/${clusterName}`;
}

export function isMadeByKubernetes(context: ResourceContext, tags: Tags): boolean {
  return tags[kubernetesTag(context)] === "owned" || tags["elbv2.k8s.aws/cluster"] === context.clusterName;
}
