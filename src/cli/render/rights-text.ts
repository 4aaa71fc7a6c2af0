import {
  clusterReadRights,
  clusterRoleOf,
  deployRights,
  installRights,
  metricsRights,
  type Right,
  roleOf,
} from "../../core/rights.ts";

/** Where `cortex cluster install` puts its own. */
const clusterNamespace = "cortex-system";

/** The least rights as YAML, with how to give them. @param namespace of the environment */
export async function rightsText(namespace: string): Promise<string> {
  const { stringify } = await import("yaml");
  const yaml = (object: unknown) => stringify(object, { aliasDuplicateObjects: false, lineWidth: 120 });
  const optional = deployRights.filter(({ isOptional }) => isOptional);
  return [
    `# Those who deploy, look at and delete APIs in namespace ${namespace}. Give it to one of them:`,
    `#   kubectl -n ${namespace} create rolebinding cortex-deployer --role cortex-deployer --user NAME`,
    `# Commands fail without: ${optional.map(nameOf).join(", ")}; all else works.`,
    yaml(roleOf("cortex-deployer", namespace, deployRights)).trimEnd(),
    "---",
    "# The same people, beyond the namespace. Without it images are made for the processor of the API server:",
    "#   kubectl create clusterrolebinding cortex-reader --clusterrole cortex-reader --user NAME",
    yaml(clusterRoleOf("cortex-reader", clusterReadRights)).trimEnd(),
    "---",
    "# The same people, for requests per second and the autoscaler's view in `get` and `describe`: in the namespace of the Prometheus.",
    `#   kubectl -n ${clusterNamespace} create rolebinding cortex-metrics --role cortex-metrics --user NAME`,
    yaml(roleOf("cortex-metrics", clusterNamespace, metricsRights)).trimEnd(),
    "---",
    "# `cortex cluster install`, `uninstall` and `health`:",
    "#   kubectl create clusterrolebinding cortex-installer --clusterrole cortex-installer --user NAME",
    yaml(clusterRoleOf("cortex-installer", installRights)),
  ].join("\n");
}

function nameOf({ group, resource, purpose }: Right): string {
  return `${group === "" ? resource : `${resource}.${group}`} (${purpose})`;
}
