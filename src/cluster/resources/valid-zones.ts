import type { Ec2 } from "../../aws/services/ec2.ts";
import { CortexError } from "../../core/errors.ts";

/** EKS wants a control plane in two zones at least. */
const fewestZones = 2;

/** @returns names of the zones that EKS says it has room in; undefined when `error` is about something else */
export function validZonesOf(error: unknown): readonly string[] | undefined {
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    if (one.name !== "UnsupportedAvailabilityZoneException") continue;
    const { validZones } = one as Error & { readonly validZones?: unknown };
    if (Array.isArray(validZones) && validZones.length > 0) return validZones.map(String);
    // Older answers name them in the message only: "… subnets in at least these zones: us-east-1a, us-east-1b".
    const named = one.message.match(/\b[a-z]{2}(?:-[a-z]+)+-\d[a-z]\b/g) ?? [];
    const [, list = ""] = /availability zones?:?([^.]*)$/i.exec(one.message) ?? [];
    return named.filter((zone) => list === "" || list.includes(zone));
  }
  return undefined;
}

/**
 * @returns those of `subnetIds` that lie in `zones`, and the zones that they lie in
 * @throws NO_CAPACITY when they lie in fewer zones than EKS needs
 */
export async function subnetsInZones(
  ec2: Ec2,
  subnetIds: readonly string[],
  zones: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly subnetIds: readonly string[]; readonly zones: readonly string[] }> {
  const { Subnets = [] } = await ec2.describeSubnets({ SubnetIds: [...subnetIds] }, signal);
  const inside = Subnets.filter(({ AvailabilityZone = "" }) => zones.includes(AvailabilityZone));
  const used = [...new Set(inside.flatMap(({ AvailabilityZone }) => AvailabilityZone ?? []))];
  if (used.length < fewestZones) {
    throw new CortexError("NO_CAPACITY", "EKS has no room for a control plane in these zones now", {
      hint: `\`cortex cluster down\`, then write availability_zones: [${zones.slice(0, 3).join(", ")}]`,
    });
  }
  return { subnetIds: inside.flatMap(({ SubnetId }) => SubnetId ?? []), zones: used };
}
