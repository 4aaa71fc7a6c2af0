import type { EvaluationResult } from "@aws-sdk/client-iam";
import type { Aws, AwsIdentity } from "../../aws/aws.ts";
import { awsErrorName } from "../../aws/refusal.ts";
import type { CloudRight } from "../../core/cloud-rights.ts";
import { CortexError } from "../../core/errors.ts";
import { allPages, partsOf } from "../pages.ts";
import { type Findings, nothingFound } from "./findings.ts";

/** IAM simulates so many actions at a time without a second page. */
const mostActions = 100;
/** Needed once in the life of an account, so that most have no use for it; who lacks it hears of it when it is needed. */
const seldomNeeded = new Set(["iam:CreateServiceLinkedRole"]);

/**
 * Asks IAM whether who calls may do all of `needs`, without doing any of it. Policies of an organisation count, those of resources
 * do not.
 */
export async function checkRights(aws: Aws, needs: readonly CloudRight[], signal: AbortSignal): Promise<Findings> {
  const identity = await aws.identity(signal);
  const principal = await principalOf(aws, identity, signal);
  if (principal === undefined) return nothingFound;
  const certain = needs.filter(({ action }) => !seldomNeeded.has(action));
  const ask = async (rights: readonly CloudRight[]) =>
    (await Promise.all(questionsOf(rights).map((one) => deniedOf(aws, principal, one, signal)))).flat();
  try {
    const denied = onAllResources(certain, await ask(certain));
    const again = anyInRegion(denied, identity, aws.region);
    const stillDenied = onlyOf(denied, onAllResources(again, await ask(again)));
    return findingsFor(identity, stillDenied);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const action = "iam:SimulatePrincipalPolicy";
    return { findings: [], warnings: [`your rights were not looked at beforehand: that takes ${action}`] };
  }
}

interface Question {
  readonly actions: readonly string[];
  /** Without `*`, but for one that is nothing else. */
  readonly resource: string;
  readonly context: Readonly<Record<string, string>>;
}

export interface Denied {
  readonly action: string;
  readonly resource: string;
  readonly context?: CloudRight["context"];
  /** `a policy`, `a permissions boundary` …; undefined: nothing allows it. */
  readonly by?: string;
}

/** Pure. What is asked about the same resource in the same way is asked at once. */
export function questionsOf(needs: readonly CloudRight[]): readonly Question[] {
  const each = needs.flatMap(({ action, resources, context = {} }) =>
    resources.map((pattern) => ({ action, resource: exampleOf(pattern), context: firstOf(context) })),
  );
  const alike = Map.groupBy(each, ({ resource, context }) => JSON.stringify([resource, context]));
  return [...alike.values()].flatMap((some) =>
    partsOf(some, mostActions).map((part) => ({
      actions: part.map(({ action }) => action),
      resource: part[0]!.resource,
      context: part[0]!.context,
    })),
  );
}

/** @returns a resource that `pattern` stands for: IAM asks about one, not about all that might be */
function exampleOf(pattern: string): string {
  return pattern === "*" ? pattern : pattern.replaceAll("*", "x").replaceAll("?", "0");
}

function firstOf(context: Readonly<Record<string, readonly string[]>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(context).flatMap(([key, [value]]) => (value === undefined ? [] : [[key, exampleOf(value)]])),
  );
}

/** Pure. @returns what is denied of all its resources; a policy may allow it on those of them that matter */
export function onAllResources(needs: readonly CloudRight[], denied: readonly Denied[]): readonly Denied[] {
  const byAction = Map.groupBy(needs, ({ action }) => action);
  return [...byAction].flatMap(([action, same]) => {
    const some = denied.filter((one) => one.action === action);
    const asked = same.reduce((sum, { resources }) => sum + resources.length, 0);
    return some.length < asked ? [] : some;
  });
}

/**
 * Pure. A policy that grants something on all that there is in a region does not grant it on `*`, as IAM reads it.
 * @returns what is asked again for that reason
 */
export function anyInRegion(
  denied: readonly Denied[],
  { partition, accountId }: AwsIdentity,
  region: string,
): readonly CloudRight[] {
  return denied
    .filter(({ resource, by }) => resource === "*" && by === undefined)
    .map(({ action, context }) => {
      const service = action.slice(0, action.indexOf(":"));
      const resources = [`arn:${partition}:${service}:${region}:${accountId}:any/any`];
      return { action, resources, ...(context && { context }) };
    });
}

function onlyOf(denied: readonly Denied[], again: readonly Denied[]): readonly Denied[] {
  const isAskedAgain = ({ resource, by }: Denied) => resource === "*" && by === undefined;
  return denied.filter((one) => !isAskedAgain(one) || again.some(({ action }) => action === one.action));
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

async function deniedOf(aws: Aws, principal: string, question: Question, signal: AbortSignal): Promise<Denied[]> {
  const iam = await aws.iam();
  const context = { "aws:RequestedRegion": aws.region, ...question.context };
  const asked = {
    PolicySourceArn: principal,
    ActionNames: [...question.actions],
    ResourceArns: [question.resource],
    ContextEntries: Object.entries(context).map(([key, value]) => {
      return { ContextKeyName: key, ContextKeyValues: [value], ContextKeyType: "string" as const };
    }),
  };
  const pages = await allPages(
    (Marker) => iam.simulatePrincipalPolicy({ ...asked, Marker }, signal),
    ({ IsTruncated, Marker }) => (IsTruncated ? Marker : undefined),
  );
  return pages
    .flatMap(({ EvaluationResults = [] }) => EvaluationResults)
    .filter(isDenied)
    .map((one) => deniedFrom(one, question));
}

/** A policy that decides by something which is not known here (a second factor, a tag) may allow it all the same. */
function isDenied({ EvalDecision, MissingContextValues = [] }: EvaluationResult): boolean {
  return EvalDecision !== "allowed" && MissingContextValues.length === 0;
}

function deniedFrom(result: EvaluationResult, { resource, context: one }: Question): Denied {
  const context = Object.fromEntries(Object.entries(one).map(([key, value]) => [key, [value]]));
  const base = { action: result.EvalActionName ?? "", resource, context };
  if (result.OrganizationsDecisionDetail?.AllowedByOrganizations === false) {
    return { ...base, by: "a policy of the organisation" };
  }
  if (result.PermissionsBoundaryDecisionDetail?.AllowedByPermissionsBoundary === false) {
    return { ...base, by: "a permissions boundary" };
  }
  return result.EvalDecision === "explicitDeny" ? { ...base, by: "a policy" } : base;
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
