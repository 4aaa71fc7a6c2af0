import type { Project, Suitability } from "../../core/environment.ts";
import type { Api, Handler } from "../../spec/api.ts";
import { port } from "./names.ts";

type Refusal = Suitability["refusals"][number];

export interface SuitabilityOptions {
  readonly environment: string;
  /** Where images are pushed; undefined when the environment names none. */
  readonly registry: string | undefined;
}

/** Longest value that an environment variable of a process can hold, less what else the runtime is told. */
const mostConfigBytes = 96 * 1024;

/** What a cluster cannot do with `api`, as far as the file and the project alone can tell. */
export function clusterSuitability(api: Api, project: Project, options: SuitabilityOptions): Suitability {
  if (api.kind !== "RealtimeAPI") return { refusals: [], notices: [] };
  const taken = new Set<number>([port.proxy, port.proxyAdmin]);
  const refusals: Refusal[] = api.handler ? handlerRefusals(api.handler, project, options) : [];
  if (api.pod.port !== null && taken.has(api.pod.port)) {
    refusals.push({
      message: `pod.port: ${api.pod.port} is taken by the proxy in front of it`,
      hint: `choose another one than ${[...taken].join(" and ")}`,
    });
  }
  return { refusals, notices: [] };
}

function handlerRefusals(handler: Handler, project: Project, { environment, registry }: SuitabilityOptions): Refusal[] {
  const files = new Set(project.files.map(({ path }) => path));
  const refusals: Refusal[] = [];
  if (registry === undefined) {
    refusals.push({
      message: `a handler runs in a container image, and the environment ${environment} names no registry to push it to`,
      hint: `cortex env configure ${environment} --registry registry.example.com/models`,
    });
  }
  if (!files.has(handler.path)) {
    refusals.push({
      message: `handler.path: there is no file ${handler.path} in the project`,
      hint: "the path is relative to the folder of the configuration file; hidden files and those of .cortexignore are left out",
    });
  }
  const { conda, shell } = handler.dependencies;
  if (files.has(conda)) {
    refusals.push({
      message: `${conda}: conda packages cannot be installed`,
      hint: "list the same packages in requirements.txt, as pip knows them",
    });
  }
  if (files.has(shell)) {
    refusals.push({
      message: `${shell}: an image is made without running anything in it`,
      hint: "put what it installs into an image of your own, and name that as handler.image; then remove the file",
    });
  }
  if (JSON.stringify(handler.config).length > mostConfigBytes) {
    refusals.push({
      message: `handler.config is larger than ${mostConfigBytes / 1024} KiB`,
      hint: "put it into a file of the project, and read that in __init__",
    });
  }
  return refusals;
}
