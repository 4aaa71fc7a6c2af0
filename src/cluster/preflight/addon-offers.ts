import type { Aws } from "../../aws/aws.ts";
import { awsErrorName } from "../../aws/refusal.ts";
import { CortexError } from "../../core/errors.ts";
import type { Finding, Findings } from "./findings.ts";

export interface AddonQuestion {
  /** Of Kubernetes, `1.35`. */
  readonly version: string;
  /** Ids of the resources that are going to be made. */
  readonly creates: readonly string[];
}

/** Not every region has every add-on, and EKS says so only when one is made. */
export async function checkAddons(
  aws: Aws,
  { version, creates }: AddonQuestion,
  signal: AbortSignal,
): Promise<Findings> {
  const names = creates.filter((id) => id.startsWith("addon/")).map((id) => id.slice("addon/".length));
  const offered = await Promise.all(names.map((name) => isOffered(aws, name, version, signal)));
  const findings = names.flatMap((name, index): Finding[] => {
    if (offered[index]) return [];
    const message = `EKS does not offer the add-on ${name} for Kubernetes ${version} in ${aws.region}`;
    return [{ code: "NOT_SUPPORTED", message, hint: "choose another region, or another kubernetes_version" }];
  });
  return { findings, warnings: [] };
}

async function isOffered(
  aws: Aws,
  addonName: string,
  kubernetesVersion: string,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const eks = await aws.eks();
    const { addons = [] } = await eks.describeAddonVersions({ addonName, kubernetesVersion }, signal);
    return addons.some(({ addonVersions = [] }) => addonVersions.length > 0);
  } catch (error) {
    if (awsErrorName(error)?.startsWith("InvalidParameter")) return false;
    // Told with all other rights that are missing.
    if (error instanceof CortexError && error.code === "NOT_AUTHORISED") return true;
    throw error;
  }
}
