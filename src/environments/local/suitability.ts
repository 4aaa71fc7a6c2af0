import type { Project, Suitability } from "../../core/environment.ts";
import type { Api } from "../../spec/api.ts";

type Refusal = Suitability["refusals"][number];

/** What this machine cannot do with `api`, and what it does otherwise than a cluster would. */
export function localSuitability(api: Api, project: Project): Suitability {
  const refusals: Refusal[] = [];
  if (api.networking.endpoint === "/metrics") {
    refusals.push({
      message: "networking.endpoint: /metrics is where the local gateway shows its own metrics",
      hint: "choose another endpoint",
    });
  }
  if (api.kind !== "RealtimeAPI") return { refusals, notices: [] };
  const files = new Set(project.files.map((file) => file.path));
  const { handler, compute } = api;
  if (!handler) {
    refusals.push({
      message: "pod.containers cannot run on this machine: there is no container runtime in the local environment",
      hint: "deploy it to a cluster with -e, or say what runs as a Python handler",
    });
  } else {
    if (!files.has(handler.path)) refusals.push(missing("handler.path", handler.path));
    const { conda } = handler.dependencies;
    if (files.has(conda)) {
      refusals.push({
        message: `${conda}: conda packages cannot be installed`,
        hint: "list the same packages in requirements.txt, as pip knows them",
      });
    }
  }
  const notices: string[] = [];
  if (compute.gpu > 0)
    notices.push("compute.gpu is not enforced on this machine: the handler sees every GPU that is there");
  if (compute.inf > 0) notices.push("compute.inf: there are no Inferentia chips on this machine");
  if (api.node_groups) notices.push("node_groups is ignored: this machine is the only node");
  if (handler?.image)
    notices.push("handler.image is ignored on this machine: the handler runs in a virtual environment");
  return { refusals, notices };
}

function missing(field: string, path: string): Refusal {
  return {
    message: `${field}: there is no file ${path} in the project`,
    hint: "the path is relative to the folder of the configuration file; hidden files and those of .cortexignore are left out",
  };
}
