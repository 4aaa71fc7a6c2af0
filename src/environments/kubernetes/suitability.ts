import type { Project, Suitability } from "../../core/environment.ts";
import type { Api, Handler } from "../../spec/api.ts";
import type { ClusterFeatures } from "./features.ts";
import { objectsOf } from "./manifests/objects.ts";
import { portClash } from "./manifests/proxy-container.ts";
import { port } from "./names.ts";

type Refusal = Suitability["refusals"][number];

export interface SuitabilityOptions {
  readonly environment: string;
  /** Where images are pushed; undefined when the environment names none. */
  readonly registry: string | undefined;
  /** What the cluster has, when that is known. */
  readonly features?: ClusterFeatures;
}

/** Longest value that an environment variable of a process can hold, less what else the runtime is told. */
const mostConfigBytes = 96 * 1024;

/** What a cluster cannot do with `api`, and what it does otherwise than the file says. */
export function clusterSuitability(api: Api, project: Project, options: SuitabilityOptions): Suitability {
  const { features } = options;
  const notices = features ? clusterNotices(api, features) : [];
  if (api.kind === "TrafficSplitter") return { refusals: splitterRefusals(features), notices };
  if (api.kind !== "RealtimeAPI") return { refusals: [], notices: [] };
  const refusals: Refusal[] = api.handler ? handlerRefusals(api.handler, project, options) : [];
  const clash = portClash(api);
  if (clash !== undefined) {
    refusals.push({
      message: `pod.port: ${clash} is taken by the proxy in front of it`,
      hint: `choose one that is not ${port.proxy}, ${port.proxyAdmin} or little above`,
    });
  }
  return { refusals, notices };
}

/** Weights are the Gateway's to keep: without one there is nothing that splits. */
function splitterRefusals(features: ClusterFeatures | undefined): Refusal[] {
  if (!features || features.gateway) return [];
  return [
    {
      message: "a TrafficSplitter needs a Gateway, and the cluster has none that this environment knows",
      hint: "cortex cluster install brings one; cortex env configure NAME --gateway NAMESPACE/NAME names one",
    },
  ];
}

function clusterNotices(api: Api, features: ClusterFeatures): readonly string[] {
  if (api.kind !== "RealtimeAPI" && api.kind !== "TrafficSplitter") return [];
  const record = {
    number: 0,
    id: "",
    project: "",
    spec: api,
    hasVariables: false,
    hasPullSecret: false,
    createdAt: "",
    createdBy: "",
    writtenBy: "",
  };
  const input = { namespace: "", record, features, owner: undefined, replicas: undefined };
  return objectsOf({ ...input, hasVariables: false, hasPullSecret: false }).notices;
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
