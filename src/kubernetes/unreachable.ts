import { KubeError } from "./kube-error.ts";
import type { NoAnswer } from "./transport.ts";

export interface Place {
  readonly context: string;
  /** What those can do whom the server does not know, where it is not a kubeconfig's matter. */
  readonly strangerHint?: string;
  /** What helps where the server's name is not known, or nothing answers, where it is not a kubeconfig's matter. */
  readonly silenceHint?: string;
  readonly server: URL;
  readonly proxy: URL | undefined;
}

/** What a person reads of a server that did not answer. */
export function unreachable(error: NoAnswer, place: Place): KubeError {
  const cause = rootCause(error);
  const { why, hint } = inPlainWords(cause, place);
  const isSilent = ["ENOTFOUND", "ETIMEDOUT", "ECONNREFUSED"].includes(cause.code ?? "");
  const whatHelps = (isSilent && place.silenceHint) || hint;
  const way = place.proxy ? ` through the proxy ${place.proxy.protocol}//${place.proxy.host}` : "";
  const lost = error.wasSent ? "lost" : "cannot reach";
  return new KubeError(
    "CLUSTER_UNREACHABLE",
    `${lost} the cluster at ${place.server.origin}${way} (context ${place.context}): ${why}`,
    0,
    "",
    { hint: whatHelps, cause, isAfterLostReply: error.wasSent },
  );
}

interface Cause {
  readonly code?: string;
  readonly message: string;
}

/** Of several addresses that were tried, the first one's error speaks for all. */
function rootCause(error: NoAnswer): Cause {
  const cause = error.cause as Cause & { readonly errors?: readonly Cause[] };
  return cause.errors?.[0] ?? cause;
}

function inPlainWords({ code = "", message }: Cause, { server, context }: Place): { why: string; hint: string } {
  const host = server.hostname;
  const newConfig = "get a new kubeconfig from your cluster";
  switch (code) {
    case "ECONNREFUSED":
      return {
        why: "the connection was refused: nothing listens there",
        hint: "start the cluster, or correct its address: `kubectl config view`",
      };
    case "ENOTFOUND":
      return { why: `there is no host ${host}`, hint: `is the cluster gone, or a VPN needed? Otherwise ${newConfig}` };
    case "EAI_AGAIN":
      return { why: `the name ${host} could not be looked up`, hint: "check the network and its DNS" };
    case "ETIMEDOUT":
      return {
        why: message.startsWith("no answer") ? message : "no answer in time",
        hint: "check the network, VPN and firewall; is your address allowed to reach the cluster?",
      };
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return { why: "there is no way to that address", hint: "check the network and VPN" };
    case "ECONNRESET":
    case "EPIPE":
      return {
        why: "the connection was closed by the other side",
        hint: "try again; does a proxy or firewall stand in between?",
      };
    case "CERT_HAS_EXPIRED":
      return {
        why: "its certificate has expired",
        hint: "renew the certificates of the cluster; is this machine's clock right?",
      };
    case "CERT_NOT_YET_VALID":
      return { why: "its certificate is not valid yet", hint: "is this machine's clock right?" };
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return {
        why: `its certificate is for other names than ${host}`,
        hint: "set tls-server-name of the cluster in the kubeconfig to a name that the certificate has",
      };
  }
  if (/SELF_SIGNED|UNABLE_TO_|CERT_/.test(code)) {
    return {
      why: "its certificate is not trusted",
      hint: `${newConfig}, or set its certificate-authority; was the cluster made anew?`,
    };
  }
  if (/^(ERR_SSL|EPROTO|ERR_OSSL|ERR_TLS)/.test(code)) {
    const reason = /:([^:]+):[^:]*:?\s*$/.exec(message)?.[1] ?? message;
    const isPlain = /wrong version|packet length/i.test(message);
    return isPlain
      ? { why: "it does not speak TLS", hint: "is the server's URL http:// rather than https://?" }
      : {
          why: `TLS failed: ${reason.trim().replaceAll("_", " ")}`,
          hint: `check certificate and key of the user of context ${context}`,
        };
  }
  return { why: message, hint: `\`kubectl --context ${context} version\` shows whether kubectl can` };
}
