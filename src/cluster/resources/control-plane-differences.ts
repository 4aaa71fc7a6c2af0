import type { Difference } from "../../core/graph/resource.ts";
import { compareVersions } from "../versions.ts";
import type { ControlPlane, ControlPlaneWish } from "./control-plane.ts";

const everybody = "0.0.0.0/0";

export function versionDifference(wish: ControlPlaneWish, state: ControlPlane): readonly Difference[] {
  if (wish.version === state.version) return [];
  const difference = { field: "kubernetes_version", from: state.version, to: wish.version };
  if (wish.isUpgrade) return [difference];
  const isBack = compareVersions(wish.version, state.version) < 0;
  const hint = isBack
    ? `write ${state.version}: EKS takes no control plane back to an older version`
    : "`cortex cluster upgrade` brings a cluster that runs to another version";
  return [{ ...difference, isFixed: { hint } }];
}

export function accessDifferences(wish: ControlPlaneWish, state: ControlPlane): readonly Difference[] {
  const scheme = (isPublic: boolean) => (isPublic ? "internet-facing" : "internal");
  const isSame = wish.isPublic === state.isPublic;
  const cidrs = wish.publicCidrs.map(networkOf);
  return [
    ...(isSame ? [] : [schemeDifference(scheme(state.isPublic), scheme(wish.isPublic))]),
    ...(state.isPrivate ? [] : [{ field: "access from its own network", from: "no", to: "yes" }]),
    ...(wish.isPublic && isSame
      ? listDifference(
          "operator_load_balancer_cidr_white_list",
          state.publicCidrs.filter(isNarrow).map(networkOf),
          cidrs.filter(isNarrow),
        )
      : []),
  ];
}

function schemeDifference(from: string, to: string): Difference {
  return { field: "operator_load_balancer_scheme", from, to };
}

/** EKS names all addresses of IPv6 besides those of IPv4. */
function isNarrow(cidr: string): boolean {
  return cidr !== everybody && cidr !== "::/0";
}

export function subnetDifference(wanted: readonly string[], { subnetIds: has }: ControlPlane): readonly Difference[] {
  // Fewer may be in use: EKS had no room in the zones of the others.
  if (has.every((id) => wanted.includes(id))) return [];
  return [{ field: "subnets", from: has.join(", "), to: wanted.join(", ") }];
}

export function listDifference(field: string, from: readonly string[], to: readonly string[]): readonly Difference[] {
  const isSame = from.length === to.length && to.every((one) => from.includes(one));
  return isSame ? [] : [{ field, from: from.join(", ") || "all", to: to.join(", ") || "all" }];
}

/** @returns the range that `cidr` stands for: `10.1.2.3/8` is `10.0.0.0/8` */
export function networkOf(cidr: string): string {
  const [address = "", length = "32"] = cidr.split("/");
  const bits = address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(length));
  const first = Math.floor(bits / size) * size;
  const parts = [24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256);
  return `${parts.join(".")}/${length}`;
}
