import { createHash } from "node:crypto";
import { readDotEnv } from "../../packages/project-variables.ts";
import type { Api, Container, Handler } from "../../spec/api.ts";

/** Keys and values of the Secret that an API's containers get their variables from. */
export type VariableValues = Readonly<Record<string, string>>;

/**
 * The values of environment variables: a handler's by their names, `.env` winning over `env` as on this machine; those of users'
 * containers by `<container>.<name>`.
 */
export async function variablesOf(api: Api, projectDir: string): Promise<VariableValues> {
  if (api.kind === "TrafficSplitter") return {};
  if (api.handler) return { ...api.handler.env, ...(await readDotEnv(projectDir)) };
  const containers = api.pod.containers ?? [];
  return Object.fromEntries(
    containers.flatMap(({ name, env }) => Object.entries(env).map(([key, value]) => [`${name}.${key}`, value])),
  );
}

/** @returns `api` as it may be kept where others can read it: a hash stands for each value of a variable */
export function withoutValues<T extends Api>(api: T): T {
  if (api.kind === "TrafficSplitter") return api;
  const containers = api.pod.containers?.map((one): Container => ({ ...one, env: hashes(one.env) })) ?? null;
  const handler: Handler | null = api.handler && { ...api.handler, env: hashes(api.handler.env) };
  return { ...api, handler, pod: { ...api.pod, containers } };
}

function hashes(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, `hash:${shortHash(`${name}=${value}`)}`]),
  );
}

/** Short on purpose: it tells two values apart, and many other values have it as well. */
function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 6);
}
