import type { ReachableCluster } from "../../core/cloud-cluster.ts";
import type { EksSettings } from "../settings.ts";

/** @param profile of AWS, to sign with; undefined: the usual chain of credentials @returns what an environment says of a cluster */
export function eksSettings(
  { name, region, endpoint, authorities }: ReachableCluster,
  profile: string | undefined,
): EksSettings {
  return {
    cluster: name,
    region,
    endpoint,
    certificate_authority: Buffer.from(authorities).toString("base64"),
    ...(profile !== undefined && { profile }),
  };
}
