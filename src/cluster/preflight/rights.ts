import type { EvaluationResult } from "@aws-sdk/client-iam";
import type { Aws, AwsIdentity } from "../../aws/aws.ts";
import { awsErrorName } from "../../aws/refusal.ts";
import { CortexError } from "../../core/errors.ts";
import { allPages, partsOf } from "../pages.ts";
import { type Findings, nothingFound } from "./findings.ts";

/** Rights that a command takes, on one kind of resource. */
export interface NeededRights {
  /** `ec2:CreateVpc`. */
  readonly actions: readonly string[];
  /** ARN without placeholders in it; `*` for those that know no resources. */
  readonly resource: string;
  /** Keys of the request that policies decide by: `iam:PassedToService`. */
  readonly context?: Readonly<Record<string, string>>;
}

/** IAM simulates so many actions at a time without a second page. */
const mostActions = 100;

/**
 * Asks IAM whether who calls may do all of `needs`, without doing any of it. Service control policies of an organisation count,
 * those of resources do not.
 */
export async function checkRights(aws: Aws, needs: readonly NeededRights[], signal: AbortSignal): Promise<Findings> {
  const identity = await aws.identity(signal);
  const principal = await principalOf(aws, identity, signal);
  if (principal === undefined) return nothingFound;
  try {
    const parts = needs.flatMap(({ actions, ...rest }) =>
      partsOf(actions, mostActions).map((some) => ({ ...rest, actions: some })),
    );
    const denied = await Promise.all(parts.map((part) => deniedOf(aws, principal, part, signal)));
    return findingsFor(identity, denied.flat());
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const action = "iam:SimulatePrincipalPolicy";
    return { findings: [], warnings: [`your rights were not looked at beforehand: that takes ${action}`] };
  }
}

interface Denied {
  readonly action: string;
  readonly resource: string;
  /** `an explicit deny`, `a permissions boundary` …; undefined: nothing allows it. */
  readonly by?: string;
}

/** Pure. @returns one finding for all rights that are missing, which is what a user gives to an administrator */
export function findingsFor({ arn }: AwsIdentity, denied: readonly Denied[]): Findings {
  if (denied.length === 0) return nothingFound;
  const lines = [...Map.groupBy(denied, ({ by }) => by)].map(([by, some]) => {
    const actions = [...new Set(some.map(({ action }) => action))].sort().join(", ");
    return by === undefined ? actions : `${actions} (denied by ${by})`;
  });
  const message = `${arn} may not ${lines.join("; ")}`;
  const hint = "`cortex cluster iam-policy up` prints what is needed: ask who administers the account";
  return { findings: [{ code: "NOT_AUTHORISED", message, hint }], warnings: [] };
}

async function deniedOf(aws: Aws, principal: string, need: NeededRights, signal: AbortSignal): Promise<Denied[]> {
  const iam = await aws.iam();
  const ContextEntries = Object.entries(need.context ?? {}).map(([key, value]) => {
    return { ContextKeyName: key, ContextKeyValues: [value], ContextKeyType: "string" as const };
  });
  const asked = {
    PolicySourceArn: principal,
    ActionNames: [...need.actions],
    ResourceArns: [need.resource],
    ContextEntries,
  };
  const pages = await allPages(
    (Marker) => iam.simulatePrincipalPolicy({ ...asked, Marker }, signal),
    ({ IsTruncated, Marker }) => (IsTruncated ? Marker : undefined),
  );
  const results = pages.flatMap(({ EvaluationResults = [] }) => EvaluationResults);
  return results.filter(({ EvalDecision }) => EvalDecision !== "allowed").map((one) => deniedFrom(one, need.resource));
}

function deniedFrom(result: EvaluationResult, resource: string): Denied {
  const {
    EvalActionName: action = "",
    EvalDecision,
    OrganizationsDecisionDetail,
    PermissionsBoundaryDecisionDetail,
  } = result;
  const base = { action, resource };
  if (OrganizationsDecisionDetail?.AllowedByOrganizations === false) {
    return { ...base, by: "a policy of the organisation" };
  }
  if (PermissionsBoundaryDecisionDetail?.AllowedByPermissionsBoundary === false) {
    return { ...base, by: "a permissions boundary" };
  }
  return EvalDecision === "explicitDeny" ? { ...base, by: "a policy" } : base;
}

/**
 * @returns the user or role whose policies count; undefined for those whose rights IAM cannot simulate: the root user, who may
 * do everything, and federated users
 */
async function principalOf(aws: Aws, { arn }: AwsIdentity, signal: AbortSignal): Promise<string | undefined> {
  const [, partition, , , account, resource = ""] = arn.split(":");
  if (/^(user|role)\//.test(resource)) return arn;
  const role = /^assumed-role\/([^/]+)\//.exec(resource)?.[1];
  if (role === undefined) return undefined;
  try {
    // A session does not say the path of its role, and the name alone does not lead to it.
    const found = await (await aws.iam()).getRole({ RoleName: role }, signal);
    return found.Role?.Arn;
  } catch (error) {
    if (awsErrorName(error)?.startsWith("NoSuchEntity")) return undefined;
    if (isRefusal(error)) return `arn:${partition}:iam::${account}:role/${role}`;
    throw error;
  }
}

function isRefusal(error: unknown): boolean {
  const name = awsErrorName(error) ?? "";
  return (error instanceof CortexError && error.code === "NOT_AUTHORISED") || /^(NoSuchEntity|InvalidInput)/.test(name);
}
