import { stat } from "node:fs/promises";
import { CortexError } from "../core/errors.ts";
import { pluginCredentials } from "./exec-plugin.ts";
import { besideFile } from "./kubeconfig-file.ts";
import { type ClusterTarget, pemFromBase64, readNamedFile } from "./target.ts";

/** What shows the API server who asks. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly certificate: ClientCertificate | undefined;
}

/** PEM. Equal objects mean that a connection can be used again. */
export interface ClientCertificate {
  readonly certificate: string;
  readonly key: string;
}

export interface CredentialSource {
  /** @throws NOT_AUTHORISED, FILE_NOT_FOUND, SPEC_INVALID */
  current(signal: AbortSignal): Promise<Credentials>;
  /** The server refused `credentials`, which are not given out again. @returns whether a new try can differ */
  refused(credentials: Credentials): boolean;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** @throws SPEC_INVALID, NOT_SUPPORTED, FILE_NOT_FOUND, each naming the context */
export async function credentialsOf(target: ClusterTarget, variables: Variables): Promise<CredentialSource> {
  const { user } = target;
  const where = `the user of context ${target.context}${target.userFile && ` in ${target.userFile}`}`;
  if (user["auth-provider"]) throw oldProvider(user["auth-provider"].name, where);
  const certificate = await certificateOf(target, where);
  const impersonation = impersonationOf(target);
  const fixed = (headers: Credentials["headers"]): CredentialSource => {
    const credentials = { headers: { ...headers, ...impersonation }, certificate };
    return { current: async () => credentials, refused: () => false };
  };
  if (user.tokenFile) {
    return tokenFileSource(besideFile(target.userFile, user.tokenFile), where, { headers: impersonation, certificate });
  }
  if (user.token) return fixed(bearer(user.token));
  if (user.username) {
    const pair = Buffer.from(`${user.username}:${user.password ?? ""}`).toString("base64");
    return fixed({ authorization: `Basic ${pair}` });
  }
  if (user.exec) {
    return pluginCredentials(user.exec, { target, where, variables, headers: impersonation, certificate });
  }
  return fixed({});
}

/** Bearer tokens that are made here. */
export interface TokenSource {
  /** The one of before while it lasts. @throws NOT_AUTHORISED */
  current(signal: AbortSignal): Promise<string>;
  /** The server refused `token`, which is not given out again. */
  refused(token: string): void;
}

/** @returns what shows a token of `tokens` with each request */
export function tokenCredentials(tokens: TokenSource): CredentialSource {
  let shown: { readonly token: string; readonly credentials: Credentials } | undefined;
  return {
    async current(signal) {
      const token = await tokens.current(signal);
      if (shown?.token !== token) shown = { token, credentials: { headers: bearer(token), certificate: undefined } };
      return shown.credentials;
    },
    refused(credentials) {
      if (shown?.credentials === credentials) tokens.refused(shown.token);
      return true;
    },
  };
}

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token.trim()}` };
}

async function certificateOf({ user, userFile }: ClusterTarget, where: string): Promise<ClientCertificate | undefined> {
  const read = async (field: "client-certificate" | "client-key") => {
    const data = user[`${field}-data`];
    if (data) return pemFromBase64(data, `${field}-data`, where);
    const path = user[field];
    return path ? readNamedFile(besideFile(userFile, path), field, where) : undefined;
  };
  const [certificate, key] = await Promise.all([read("client-certificate"), read("client-key")]);
  if (certificate && key) return { certificate, key };
  if (!certificate && !key) return undefined;
  throw new CortexError(
    "SPEC_INVALID",
    `${where} has a ${certificate ? "client-certificate" : "client-key"} only: it takes both`,
  );
}

function impersonationOf({ user }: ClusterTarget): Record<string, string | readonly string[]> {
  if (!user.as) return {};
  const extra = Object.entries(user["as-user-extra"] ?? {}).map(
    ([name, values]) => [`impersonate-extra-${encodeURIComponent(name.toLowerCase())}`, values] as const,
  );
  return {
    "impersonate-user": user.as,
    ...(user["as-uid"] && { "impersonate-uid": user["as-uid"] }),
    ...(user["as-groups"]?.length && { "impersonate-group": user["as-groups"] }),
    ...Object.fromEntries(extra),
  };
}

/** How long what a file held is believed, in milliseconds: kubelet writes new tokens well before old ones end. */
const tokenFileMs = 10_000;

function tokenFileSource(path: string, where: string, base: Credentials): CredentialSource {
  let held: { readonly credentials: Credentials; readonly mtimeMs: number; readonly checkedAt: number } | undefined;
  return {
    async current() {
      if (held && performance.now() - held.checkedAt < tokenFileMs) return held.credentials;
      const mtimeMs = await stat(path).then(
        (info) => info.mtimeMs,
        () => 0,
      );
      if (!held || mtimeMs !== held.mtimeMs) {
        const token = await readNamedFile(path, "tokenFile", where);
        held = { credentials: { ...base, headers: { ...bearer(token), ...base.headers } }, mtimeMs, checkedAt: 0 };
      }
      held = { ...held, checkedAt: performance.now() };
      return held.credentials;
    },
    refused(credentials) {
      if (held?.credentials === credentials) held = undefined;
      return true;
    },
  };
}

function oldProvider(name: string | undefined, where: string): CortexError {
  const ways: Record<string, string> = {
    gcp: "install gke-gcloud-auth-plugin and run `gcloud container clusters get-credentials CLUSTER`",
    azure: "run `kubelogin convert-kubeconfig`",
    oidc: "use an exec plugin such as kubelogin (`kubectl oidc-login`)",
  };
  return new CortexError(
    "NOT_SUPPORTED",
    `${where} uses the auth-provider ${name ?? ""}, which Kubernetes removed in 1.26`,
    {
      hint: ways[name ?? ""] ?? "get a new kubeconfig with an exec plugin or a token",
    },
  );
}
