import { CortexError } from "../../core/errors.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import type { Login } from "./docker-config.ts";
import { type Http, readAll } from "./http.ts";
import { refusalOf } from "./registry-error.ts";

export interface Asked {
  readonly registry: string;
  /** Where the registry's API answers, e.g. `https://registry-1.docker.io`. */
  readonly origin: string;
  /** What is wanted, e.g. `repository:library/python:pull`. */
  readonly scopes: readonly string[];
  readonly header: string;
  readonly login: Login;
}

const mostBytes = 256 * 1024;
const clientId = "cortex";

/**
 * Answers what a registry asks for with a 401.
 * @returns the value of the `Authorization` header; undefined when there is nothing more that could be said
 * @throws NOT_AUTHORISED, REGISTRY_FAILED; what the network says
 */
export async function authorise(asked: Asked, http: Http, signal: AbortSignal): Promise<string | undefined> {
  const challenges = parseChallenges(asked.header);
  const bearer = challenges.find(({ scheme }) => scheme === "bearer");
  if (bearer) return `Bearer ${await fetchToken(bearer, asked, http, signal)}`;
  const isBasic = challenges.some(({ scheme }) => scheme === "basic");
  return isBasic ? basic(asked.login) : undefined;
}

async function fetchToken(challenge: Challenge, asked: Asked, http: Http, signal: AbortSignal): Promise<string> {
  const { realm, service, scope } = challenge.parameters;
  const url = realm === undefined ? undefined : URL.parse(realm);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new CortexError("REGISTRY_FAILED", `${asked.registry} does not say where it gives out access`);
  }
  const { login } = asked;
  if (url.protocol === "http:" && asked.origin.startsWith("https:")) {
    throw new CortexError("REGISTRY_FAILED", `${asked.registry} wants the login sent unprotected, to ${url.host}`);
  }
  const scopes = [...new Set([...asked.scopes, ...(scope?.split(" ") ?? [])])].filter(Boolean);
  const response = login.identityToken
    ? await http.send(refreshRequest(url, service, scopes, login.identityToken), signal)
    : await http.send(tokenRequest(url, service, scopes, login), signal);
  if (response.status !== 200) throw await tokenRefused(response, asked);
  const body = JSON.parse((await readAll(response, mostBytes)).toString("utf8")) as Record<string, unknown>;
  const token = body.token ?? body.access_token;
  if (typeof token === "string" && /^[\x21-\x7e]+$/.test(token)) return token;
  throw new CortexError("REGISTRY_FAILED", `${url.host} gives out no access to ${asked.registry}`);
}

function tokenRequest(url: URL, service: string | undefined, scopes: readonly string[], login: Login) {
  const address = new URL(url);
  if (service) address.searchParams.set("service", service);
  for (const scope of scopes) address.searchParams.append("scope", scope);
  const authorization = basic(login);
  return { method: "GET", url: address, ...(authorization && { headers: { authorization } }) } as const;
}

function refreshRequest(url: URL, service: string | undefined, scopes: readonly string[], identityToken: string) {
  const form = new URLSearchParams({
    grant_type: "refresh_token",
    refresh_token: identityToken,
    client_id: clientId,
    ...(service && { service }),
    ...(scopes.length > 0 && { scope: scopes.join(" ") }),
  });
  const bytes = Buffer.from(form.toString());
  return {
    method: "POST",
    url,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: {
      bytes: bytes.length,
      async *open() {
        yield bytes;
      },
    },
  } as const;
}

async function tokenRefused(response: Parameters<typeof refusalOf>[0], asked: Asked): Promise<Error> {
  const [, name = "", actions = ""] = /^repository:(.*):([^:]*)$/.exec(asked.scopes[0] ?? "") ?? [];
  return refusalOf(response, {
    repository: { registry: asked.registry, name },
    deed: actions.includes("push") ? "push to" : "pull from",
    as: describeLogin(asked.login),
  });
}

function basic({ password }: Login): string | undefined {
  return password && `Basic ${Buffer.from(`${password.username}:${password.password}`).toString("base64")}`;
}

/** @returns who asks, for messages; no secret */
export function describeLogin({ password, identityToken, source, problem }: Login): string {
  if (password) return `as ${password.username} (${source})`;
  if (identityToken) return `with the token of ${source}`;
  return problem ? `without a login (${problem})` : `without a login (${source} has none for it)`;
}
