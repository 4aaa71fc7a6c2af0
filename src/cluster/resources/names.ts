import { createHash } from "node:crypto";

/** Whose names: they are the same on every machine, so that whoever looks finds what somebody else made. */
export interface Named {
  readonly clusterName: string;
  readonly accountId: string;
  readonly region: string;
}

/** Of IAM. */
const longestRoleName = 64;
const longestClusterPart = 40;

/** Names that AWS wants to have, and where they must be unique. */
export function namesOf(named: Named) {
  return namesWith(named.clusterName, { bucket: bucketHash(named), role: roleHash(named) });
}

/** @returns the same as patterns of IAM, with `*` and `?` in the place of what is not known */
export function namePatternsOf({ clusterName, accountId, region }: Partial<Named>) {
  if (clusterName === undefined || region === undefined) {
    return namesWith(clusterName ?? "*", { bucket: "?".repeat(bucketDigits), role: "?".repeat(roleDigits) });
  }
  const bucket = accountId === undefined ? "?".repeat(bucketDigits) : bucketHash({ clusterName, accountId, region });
  return namesWith(clusterName, { bucket, role: roleHash({ clusterName, region }) });
}

const bucketDigits = 8;
const roleDigits = 6;

function bucketHash({ clusterName, accountId, region }: Named): string {
  return hash(`${accountId}/${region}/${clusterName}`, bucketDigits);
}

function roleHash({ clusterName, region }: Omit<Named, "accountId">): string {
  return hash(`${region}/${clusterName}`, roleDigits);
}

function namesWith(clusterName: string, hashes: { readonly bucket: string; readonly role: string }) {
  return {
    /** Unique in the whole world: the account and the region are part of the hash. At most 63 characters. */
    bucket: `${clusterName}-${hashes.bucket}`,
    /** Of ECR: what images are pushed under, and the repository itself. */
    repositoryPrefix: repositoryPrefix(clusterName),
    repository: `${repositoryPrefix(clusterName)}/cortex`,
    logGroups: {
      /** What containers print. */
      containers: containerLogGroup(clusterName),
      /** What EKS itself writes to; the name is its choice. */
      controlPlane: `/aws/eks/${clusterName}/cluster`,
    },
    /** What add-ons for logs make by themselves. */
    insightsPrefix: `/aws/containerinsights/${clusterName}/`,
    launchTemplate: (group: string): string => `${clusterName}-${group}`,
    /** @param purpose e.g. `nodes`. Roles belong to the account, not to a region. At most 64 characters */
    role(purpose: string): string {
      const end = `-${purpose}-${hashes.role}`;
      const most = Math.min(longestClusterPart, longestRoleName - end.length);
      return `${clusterName.slice(0, most).replace(/-+$/, "")}${end}`;
    },
  };
}

/** @returns which cluster a bucket of that name is of; undefined for any other bucket. Pure. */
export function clusterOfBucket(bucket: string, place: Omit<Named, "clusterName">): string | undefined {
  const clusterName = bucket.replace(/-[0-9a-f]{8}$/, "");
  return namesOf({ ...place, clusterName }).bucket === bucket ? clusterName : undefined;
}

/** Of CloudWatch, once per account and region. */
export function containerLogGroup(clusterName: string): string {
  return `/cortex/${clusterName}`;
}

/** ECR takes no two dashes in a row; the hash keeps `a--b` and `a-b` apart. */
function repositoryPrefix(clusterName: string): string {
  const name = clusterName.replaceAll(/-+/g, "-");
  return name === clusterName ? name : `${name}-${hash(clusterName, 6)}`;
}

function hash(text: string, digits: number): string {
  return createHash("sha256").update(text).digest("hex").slice(0, digits);
}
