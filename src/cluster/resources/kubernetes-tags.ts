import type { ResourceContext } from "./context.ts";
import type { Tags } from "./tags.ts";

/** Where that is looked for which Kubernetes made for a cluster. */
export interface Surroundings {
  /** Ids of the VPCs that belong to a cluster alone. Empty: it is in a network of the user's own. */
  readonly vpcIds: ReadonlySet<string>;
  /** Whether the tags of Kubernetes mean our cluster: they hold its name only, which a cluster of somebody else may have by now. */
  readonly areTagsOurs: boolean;
  /** Since when there is a control plane of ours, in milliseconds since the epoch; undefined: there is none. */
  readonly since: number | undefined;
}

export type Around = (signal: AbortSignal) => Promise<Surroundings>;

/** The tag that Kubernetes puts on what it makes, with the value `owned`. */
export function kubernetesTag({ clusterName }: ResourceContext): string {
  return `kubernetes.io/cluster/${clusterName}`;
}

export function isMadeByKubernetes(context: ResourceContext, tags: Tags): boolean {
  return tags[kubernetesTag(context)] === "owned" || tags["elbv2.k8s.aws/cluster"] === context.clusterName;
}
