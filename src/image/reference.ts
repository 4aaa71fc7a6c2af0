import { CortexError } from "../core/errors.ts";

/** A repository of a registry, as its API knows it. */
export interface Repository {
  /** Host and, if it is not the usual one, port; `docker.io` for Docker Hub. */
  readonly registry: string;
  /** Path in the registry, e.g. `library/python`. */
  readonly name: string;
}

export interface ImageReference extends Repository {
  readonly tag: string | undefined;
  /** For example `sha256:…`; wins over the tag. */
  readonly digest: string | undefined;
}

const hubHosts = new Set(["docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"]);
const nameRule = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tagRule = /^[\w][\w.-]{0,127}$/;
const digestRule = /^sha256:[0-9a-f]{64}$/;
const hostRule = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::\d{1,5})?$/i;

/**
 * Reads the name of an image as Docker does: without a registry it is one of Docker Hub, without a tag or digest `latest`.
 * @throws IMAGE_FAILED when it is no such name
 */
export function parseReference(text: string): ImageReference {
  const [beforeDigest = "", digest] = text.split("@", 2);
  const tagAt = beforeDigest.lastIndexOf(":");
  const hasTag = tagAt > beforeDigest.lastIndexOf("/");
  const tag = hasTag ? beforeDigest.slice(tagAt + 1) : undefined;
  const repository = parseRepository(hasTag ? beforeDigest.slice(0, tagAt) : beforeDigest, text);
  if (tag !== undefined && !tagRule.test(tag)) throw notAName(text, `"${tag}" is no tag`);
  if (digest !== undefined && !digestRule.test(digest)) throw notAName(text, `"${digest}" is no digest`);
  return { ...repository, tag: tag ?? (digest === undefined ? "latest" : undefined), digest };
}

/**
 * @param text a name without tag and digest
 * @throws IMAGE_FAILED when it is no such name
 */
export function parseRepository(text: string, shown = text): Repository {
  const slash = text.indexOf("/");
  const first = slash < 0 ? "" : text.slice(0, slash);
  const hasHost = first.includes(".") || first.includes(":") || first === "localhost" || first !== first.toLowerCase();
  const registry = hasHost ? first.toLowerCase() : "docker.io";
  const path = hasHost ? text.slice(slash + 1) : text;
  if (!hostRule.test(registry)) throw notAName(shown, `"${first}" is no host`);
  if (!nameRule.test(path)) throw notAName(shown, path === path.toLowerCase() ? undefined : "it has capital letters");
  if (!hubHosts.has(registry)) return { registry, name: path };
  return { registry: "docker.io", name: path.includes("/") ? path : `library/${path}` };
}

export function showRepository({ registry, name }: Repository): string {
  return `${registry}/${name}`;
}

export function showReference({ tag, digest, ...repository }: ImageReference): string {
  return `${showRepository(repository)}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}

function notAName(text: string, why: string | undefined): CortexError {
  return new CortexError("IMAGE_FAILED", `${text} is no name of an image${why === undefined ? "" : `: ${why}`}`, {
    hint: "write it as registry.example.com/team/name, in small letters",
  });
}
