/** What a kubeconfig offers, without having spoken to any cluster. */
export interface KubeContexts {
  /** The files it was read from; empty where there is none. */
  readonly files: readonly string[];
  readonly names: readonly string[];
  readonly current: string | undefined;
  /** There is no kubeconfig, but this is a pod that may speak to its own cluster. */
  readonly isInPod: boolean;
}

/** What a cluster says of itself when it is first named. */
export interface ClusterProbe {
  /** e.g. "v1.34.4". */
  readonly version: string;
  /** A registry that its nodes pull from and this machine can push to, as kind and minikube announce it. */
  readonly registry?: string;
}

/** A cluster on AWS, as it is reached without a kubeconfig. */
export interface EksAccess {
  readonly cluster: string;
  readonly region: string;
  readonly endpoint: string;
  /** PEM, in base64. */
  readonly certificate_authority: string;
  /** AWS profile to sign with; absent: the usual chain of credentials. */
  readonly profile?: string;
}

export interface Kubeconfigs {
  /** @param file instead of those that `KUBECONFIG` lists @throws SPEC_INVALID, FAILED */
  contexts(file: string | undefined): Promise<KubeContexts>;
  /** @throws CLUSTER_UNREACHABLE, NOT_AUTHORISED and what else reaching it gives */
  probe(
    cluster: { readonly kubeconfig?: string; readonly context?: string; readonly eks?: EksAccess },
    signal: AbortSignal,
  ): Promise<ClusterProbe>;
}
