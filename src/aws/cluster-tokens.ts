import type { Aws } from "./aws.ts";

/** Tokens for the API server of one EKS cluster. */
export interface ClusterTokens {
  /** The one of before while it lasts. @throws NOT_AUTHORISED */
  current(signal: AbortSignal): Promise<string>;
  /** The server did not accept `token`, which is not given out again. */
  refused(token: string): void;
}

/** A token is replaced so long before its end, in milliseconds. */
const reserveMs = 60_000;

/**
 * Signs a token when there is none, which asks nobody. Only after one was refused AWS is asked who this is: it tells when
 * credentials have expired, and how wrong this machine's clock is.
 */
export function clusterTokens(aws: Aws, cluster: string): ClusterTokens {
  let held: { readonly token: string; readonly expiresAt: number } | undefined;
  let isInDoubt = false;
  return {
    async current(signal) {
      if (held && held.expiresAt - reserveMs > Date.now()) return held.token;
      if (isInDoubt) await (await aws.sts()).getCallerIdentity({}, signal);
      held = await aws.clusterToken(cluster, signal);
      isInDoubt = false;
      return held.token;
    },
    refused(token) {
      if (held?.token !== token) return;
      held = undefined;
      isInDoubt = true;
    },
  };
}
