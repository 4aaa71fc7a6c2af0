import { CortexError } from "../core/errors.ts";
import { userHome } from "../platform/home.ts";
import { callerOf } from "./caller.ts";
import { clientOver } from "./client.ts";
import { credentialsOf, type TokenSource, tokenCredentials } from "./credentials.ts";
import type { KubeClient } from "./kube-client.ts";
import { limiterOf } from "./limiter.ts";
import { proxyFor } from "./proxy.ts";
import { type ClusterTarget, findTarget, type TargetOptions } from "./target.ts";
import { openTransport } from "./transport.ts";

export interface ConnectOptions {
  /** A context of the kubeconfig; without it the current one, or in a pod its service account. */
  readonly context?: string | undefined;
  /** Instead of what a kubeconfig says. */
  readonly known?: KnownCluster;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Default: the user's own. */
  readonly home?: string;
  /** Requests under way at a time; default 24. */
  readonly mostRequests?: number;
  /** Where a pod finds its service account; default: where every cluster puts it. */
  readonly serviceAccountFolder?: string;
}

/** A cluster that needs no kubeconfig. */
export interface KnownCluster {
  /** Stands for the context in what is said of it. */
  readonly name: string;
  readonly server: string;
  /** PEM. */
  readonly authorities: string;
  readonly tokens: TokenSource;
  /** What those can do whom the server does not know. */
  readonly strangerHint: string;
  /** What helps where its server's name is not known, or nothing answers. */
  readonly silenceHint: string;
}

/**
 * Reads the kubeconfig; the server is first spoken to with the first request.
 * @throws FILE_NOT_FOUND, SPEC_INVALID, NOT_SUPPORTED, each naming file and context
 */
export async function connect(options: ConnectOptions, signal: AbortSignal): Promise<KubeClient> {
  signal.throwIfAborted();
  const { variables, known } = options;
  const target = known ? knownTarget(known) : await findTarget(targetOptions(options));
  const credentials = known ? tokenCredentials(known.tokens) : await credentialsOf(target, variables);
  const proxy = usableProxy(proxyFor(target.server, target.proxyUrl, variables), target.context);
  const transport = openTransport({ server: target.server, tls: target.tls, proxy });
  const stranger = known && { strangerHint: known.strangerHint };
  const silence = known && { silenceHint: known.silenceHint };
  const place = { context: target.context, ...stranger, ...silence, server: target.server, proxy };
  const caller = callerOf(transport, credentials, limiterOf(options.mostRequests ?? 24), place);
  const identity = {
    context: target.context,
    server: target.server.href.replace(/\/$/, ""),
    namespace: target.namespace,
    ...stranger,
  };
  return clientOver(caller, identity, async () => transport[Symbol.asyncDispose]());
}

function targetOptions({ context, variables, home, serviceAccountFolder }: ConnectOptions): TargetOptions {
  return {
    ...(context !== undefined && { context }),
    variables,
    home: home ?? userHome(),
    serviceAccountFolder: serviceAccountFolder ?? "/var/run/secrets/kubernetes.io/serviceaccount",
  };
}

function knownTarget({ name, server, authorities }: KnownCluster): ClusterTarget {
  return {
    context: name,
    namespace: "default",
    server: new URL(server),
    tls: { authorities, isUnverified: false, serverName: undefined },
    proxyUrl: undefined,
    user: {},
    userFile: "",
    clusterInfo: {},
  };
}

function usableProxy(proxy: URL | string | undefined, context: string): URL | undefined {
  if (proxy === undefined) return undefined;
  if (typeof proxy !== "string" && /^(https?|socks5h?):$/.test(proxy.protocol)) return proxy;
  const what = typeof proxy === "string" ? "no URL" : `a ${proxy.protocol.slice(0, -1)} URL`;
  throw new CortexError("NOT_SUPPORTED", `the proxy for context ${context} is ${what}`, {
    hint: "use a proxy that speaks http, https or socks5",
  });
}
