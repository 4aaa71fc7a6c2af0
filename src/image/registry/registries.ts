import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { CortexError } from "../../core/errors.ts";
import type { Variables } from "../../packages/find-python.ts";
import { userHome } from "../../platform/home.ts";
import type { Repository } from "../reference.ts";
import { authorise, describeLogin } from "./authorisation.ts";
import { findLogin, type Login } from "./docker-config.ts";
import { ecrLogin, ecrRegistry, makeEcrRepository } from "./ecr.ts";
import { type HttpRequest, type HttpResponse, httpClient } from "./http.ts";
import { connectionFailure, type Deed, refusalOf } from "./registry-error.ts";
import { Passing, patiently } from "./retry.ts";

/** A request to a repository's part of a registry's API. */
export interface Ask extends Omit<HttpRequest, "url"> {
  /** Below `/v2/NAME/`, e.g. `manifests/latest`; or the whole address where the registry named one. */
  readonly to: string | URL;
  /** Statuses that are answers; others are refusals. */
  readonly expect: readonly number[];
  /** Throws `Passing` at the first failure that may pass, instead of trying again. */
  readonly isOnlyAttempt?: boolean;
}

/** Makes requests in the name of whoever this machine is logged in as. */
export interface Asking {
  readonly repository: Repository;
  readonly deed: Deed;
  /** @throws NOT_AUTHORISED, REGISTRY_FAILED */
  ask(ask: Ask, signal: AbortSignal): Promise<HttpResponse>;
}

/** The registries that one command talks to. Connections that are idle do not keep the program running. */
export interface Registries {
  /** @param readFrom other repositories of the same registry that blobs are taken over from */
  to(deed: Deed, repository: Repository, readFrom?: readonly string[]): Asking;
  login(registry: string, signal: AbortSignal): Promise<Login>;
  /** Asks without a login, whatever this machine knows. */
  anonymously(repository: Repository): Asking;
  /** Of a registry of Amazon's, where a push does not make it. @throws NOT_AUTHORISED, NO_CAPACITY, AWS_FAILED */
  makeEcrRepository(repository: Repository, signal: AbortSignal): Promise<void>;
}

export function openRegistries(variables: Variables): Registries {
  const http = httpClient(variables, (host) => readCertificates(host, variables));
  const logins = new Map<string, Promise<Login>>();
  /** By registry and scopes. */
  const authorisations = new Map<string, string>();

  const login = (registry: string, signal: AbortSignal): Promise<Login> => {
    const found = logins.get(registry) ?? loginTo(registry, variables, signal);
    logins.set(registry, found);
    found.catch(() => logins.delete(registry));
    return found;
  };

  const asking = (deed: Deed, repository: Repository, readFrom: readonly string[], known?: Login): Asking => {
    const { registry, name } = repository;
    const origin = registryOrigin(registry, variables);
    const actions = deed === "push to" ? "pull,push" : "pull";
    const scopes = [`repository:${name}:${actions}`, ...readFrom.map((other) => `repository:${other}:pull`)];
    const key = JSON.stringify([registry, scopes, known ? "anonymous" : ""]);
    const ask = async ({ to, expect, isOnlyAttempt, ...request }: Ask, signal: AbortSignal): Promise<HttpResponse> => {
      const url = to instanceof URL ? to : new URL(`/v2/${name}/${to}`, origin);
      const isOurs = url.origin === new URL(origin).origin;
      const send = (authorization: string | undefined) =>
        http.send(
          { ...request, url, headers: { ...request.headers, ...(authorization && isOurs && { authorization }) } },
          signal,
        );
      const attempt = async () => {
        const used = authorisations.get(key);
        let response = await send(used);
        if (response.status === 401 && isOurs) {
          response.stream.resume();
          const header = response.headers["www-authenticate"] ?? "";
          // Of several that are asked at once the first one's answer serves all.
          const newer = authorisations.get(key);
          const own = known ?? (newer === used ? await login(registry, signal) : undefined);
          const authorization =
            newer !== used ? newer : await authorise({ registry, origin, scopes, header, login: own! }, http, signal);
          if (authorization !== undefined) {
            authorisations.set(key, authorization);
            response = await send(authorization);
          }
        }
        if (expect.includes(response.status)) return response;
        const who = known ?? (await login(registry, signal).catch((): Login => ({ source: "AWS" })));
        throw await refusalOf(response, { repository, deed, as: describeLogin(who) });
      };
      const explained = () => attempt().catch((error) => throwUnlessAborted(error, registry, signal));
      return isOnlyAttempt ? explained() : patiently(explained, signal);
    };
    return { repository, deed, ask };
  };

  return {
    to: (deed, repository, readFrom = []) => asking(deed, repository, readFrom),
    login,
    anonymously: (repository) => asking("pull from", repository, [], { source: "" }),
    makeEcrRepository: (repository, signal) => makeEcrRepository(repository, variables, signal),
  };
}

/** @returns whether `registry` is spoken to in plain HTTP: one on this machine, or one that the user vouches for */
export function isPlainHttp(registry: string, variables: Variables): boolean {
  const host = registry.replace(/:\d+$/, "");
  const isLocal =
    host === "localhost" || host.endsWith(".localhost") || /^127(\.\d+){3}$/.test(host) || host === "[::1]";
  const named = (variables.CORTEX_INSECURE_REGISTRIES ?? "").split(",").map((one) => one.trim().toLowerCase());
  return isLocal || named.includes(registry);
}

function registryOrigin(registry: string, variables: Variables): string {
  if (registry === "docker.io") return "https://registry-1.docker.io";
  return `${isPlainHttp(registry, variables) ? "http" : "https"}://${registry}`;
}

/** Docker's own settings first; for ECR else what AWS gives out. */
async function loginTo(registry: string, variables: Variables, signal: AbortSignal): Promise<Login> {
  const stored = await findLogin(registry, variables, signal);
  const isStored = stored.password !== undefined || stored.identityToken !== undefined;
  return isStored || !ecrRegistry(registry) ? stored : ecrLogin(registry, variables, signal);
}

function throwUnlessAborted(error: unknown, registry: string, signal: AbortSignal): never {
  signal.throwIfAborted();
  const explained = connectionFailure(error, registry);
  throw explained instanceof Passing ? explained : (explained as CortexError);
}

/** Certificates of authorities that Docker would trust for `host`. */
async function readCertificates(host: string, variables: Variables): Promise<string[]> {
  const config = variables.XDG_CONFIG_HOME || join(userHome(variables), ".config");
  const folders = ["/etc/docker/certs.d", join(config, "docker/certs.d"), "/etc/containers/certs.d"];
  const texts: string[] = [];
  for (const folder of folders.map((one) => join(one, host))) {
    const names = await readdir(folder).catch(() => []);
    for (const name of names.filter((one) => one.endsWith(".crt"))) {
      texts.push(await readFile(join(folder, name), "utf8").catch(() => ""));
    }
  }
  return texts.filter(Boolean);
}
