import {
  clusterReadRights,
  clusterRoleOf,
  deployRights,
  installRights,
  type Right,
  roleOf,
} from "../../core/rights.ts";

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
    "# The same people, beyond the namespace. Without it the architecture of the nodes is taken to be amd64:",
    "#   kubectl create clusterrolebinding cortex-reader --clusterrole cortex-reader --user NAME",
    yaml(clusterRoleOf("cortex-reader", clusterReadRights)).trimEnd(),
    "---",
    "# `cortex cluster install`, `uninstall` and `health`:",
    "#   kubectl create clusterrolebinding cortex-installer --clusterrole cortex-installer --user NAME",
    yaml(clusterRoleOf("cortex-installer", installRights)),
  ].join("\n");
}

function nameOf({ group, resource, purpose }: Right): string {
  return `${group === "" ? resource : `${resource}.${group}`} (${purpose})`;
}
