import type { ResourceKind } from "../../core/graph/resource.ts";
import { type AddonKind, addonKind } from "./addon.ts";
import type { ResourceContext } from "./context.ts";
import { type ControlPlaneKind, controlPlaneKind } from "./control-plane.ts";
import { type LaunchTemplateKind, launchTemplateKind } from "./launch-template.ts";
import type { NetworkKinds } from "./network-kinds.ts";
import { type NodeGroupKind, nodeGroupKind } from "./node-group.ts";
import { namedControlPlane } from "./owner.ts";
import { shared } from "./pages.ts";
import { type PodIdentityKind, podIdentityKind } from "./pod-identity.ts";
import { type RoleState, type RoleWish, roleKind } from "./role.ts";

/** The kinds of what runs in a cluster's network. Their values are a list of kinds. */
export interface EksKinds {
  readonly role: ResourceKind<RoleWish, RoleState>;
  readonly controlPlane: ControlPlaneKind;
  readonly addon: AddonKind;
  readonly podIdentity: PodIdentityKind;
  readonly launchTemplate: LaunchTemplateKind;
  readonly nodeGroup: NodeGroupKind;
}

/** @param options isUpgrade: changes are those of a version, which take longer than others */
export function eksKinds(
  context: ResourceContext,
  { subnet }: Pick<NetworkKinds, "subnet">,
  { isUpgrade = false }: { readonly isUpgrade?: boolean } = {},
): EksKinds {
  const named = shared((signal) => namedControlPlane(context, signal));
  const role = roleKind(context);
  const launchTemplate = launchTemplateKind(context);
  return {
    role,
    controlPlane: controlPlaneKind(context, { role, subnet, isUpgrade }),
    addon: addonKind(context, named),
    podIdentity: podIdentityKind(context, { roles: role, named }),
    launchTemplate,
    nodeGroup: nodeGroupKind(context, { role, subnet, launchTemplate, isUpgrade }),
  };
}
