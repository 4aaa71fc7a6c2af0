import type { Role } from "@aws-sdk/client-iam";
import { awsErrorMessage, awsErrorName } from "../../aws/refusal.ts";
import type { Iam } from "../../aws/services/iam.ts";
import { CortexError } from "../../core/errors.ts";
import { type Difference, type Found, type ResourceKind, Uncertain } from "../../core/graph/resource.ts";
import { clusterTag, type ResourceContext, tagsOf } from "./context.ts";
import { namesOf } from "./names.ts";
import { canonicalPolicy, type PolicyDocument, type RoleUser, trustOf } from "./role-policies.ts";
import { purposesWithOwnPolicy, rolePurposes } from "./role-purposes.ts";
import { type Tags, tagDifferences, tagList, tagsFrom } from "./tags.ts";
import { tryUntil } from "./try-until.ts";

export interface RoleWish {
  /** `role/nodes`. */
  readonly id: string;
  readonly user: RoleUser;
  /** ARNs of policies that others look after. */
  readonly managedPolicies: readonly string[];
  /** What it may do besides. */
  readonly ownPolicy?: PolicyDocument;
  /** ARN of the policy that no right of it goes beyond. */
  readonly boundary?: string;
  /** What the user calls the list of `managedPolicies`, where it is theirs. */
  readonly policiesField?: string;
}

export interface RoleState {
  readonly id: string;
  readonly name: string;
  readonly arn: string;
  /** Canonical; as `ownPolicy`. */
  readonly trust: string;
  readonly managedPolicies: readonly string[];
  readonly ownPolicy?: string;
  readonly boundary?: string;
  readonly tags: Tags;
}

/** Of the one policy that stands in the role itself. */
const ownPolicyName = "cortex";
/** IAM tells others of what it did after some seconds: 10 as a rule, more where there is much to tell. */
export const iamTellsWithinMs = 120_000;

export function roleKind(context: ResourceContext): ResourceKind<RoleWish, RoleState> {
  const { aws, identity, clusterName } = context;
  const names = namesOf({ clusterName, accountId: identity.accountId, region: aws.region });
  const nameOf = (id: string) => names.role(id.slice("role/".length));
  return {
    name: "role",
    title: "IAM role",
    needs: [],
    typicalMs: { create: 3_000, update: 2_000, remove: 3_000 },

    async list(signal) {
      const iam = await aws.iam();
      const found = await Promise.all(rolePurposes.map((purpose) => find(iam, context, `role/${purpose}`, signal)));
      return found.filter((one) => one !== undefined);
    },

    async create(wish, { clock }, signal) {
      const iam = await aws.iam();
      const name = nameOf(wish.id);
      await makeRole(iam, context, name, wish, signal);
      // For some seconds a role is not there for those who ask another of IAM's machines.
      const isLate = (error: unknown) => iamErrorName(error) === "NoSuchEntity" && !/Policy/.test(subjectOf(error));
      await tryUntil({ clock, limitMs: iamTellsWithinMs, isWorthAnother: isLate }, signal, () =>
        givePolicies(iam, name, wish, { managedPolicies: [] }, signal),
      );
      return stateOfWish(context, name, wish);
    },

    differences: (wish, state) => [
      ...policyDifferences(wish, state),
      ...valueDifference("iam_permissions_boundary_arn", state.boundary ?? "", wish.boundary ?? ""),
      ...tagDifferences(tagsOf(context, wish.id), state.tags),
    ],

    async update(wish, state, _, signal) {
      const iam = await aws.iam();
      const { name } = state;
      if (canonicalOf(trustOf(wish.user)) !== state.trust) {
        const trust = JSON.stringify(trustOf(wish.user));
        await iam.updateAssumeRolePolicy({ RoleName: name, PolicyDocument: trust }, signal);
      }
      // Who must not go beyond a boundary may give rights only to roles that have it.
      await bound(iam, name, wish.boundary, state.boundary, signal);
      await givePolicies(iam, name, wish, state, signal);
      const tags = tagsOf(context, wish.id);
      if (tagDifferences(tags, state.tags).length > 0) {
        await iam.tagRole({ RoleName: name, Tags: tagList(tags) }, signal);
      }
      return { ...stateOfWish(context, name, wish), tags: { ...state.tags, ...tags } };
    },

    settle: async (found) => found.state,

    async remove({ name }, { clock, report }, signal) {
      const iam = await aws.iam();
      // EKS takes a node group's role out of the instance profile that it made a moment after the group is gone.
      const isBusy = (error: unknown) => iamErrorName(error) === "DeleteConflict";
      await tryUntil({ clock, limitMs: iamTellsWithinMs, isWorthAnother: isBusy, report }, signal, () =>
        removeRole(iam, name, signal),
      );
    },
  };

  /** @throws CONFLICT when there is one of this name */
  async function makeRole(iam: Iam, of: ResourceContext, name: string, wish: RoleWish, signal: AbortSignal) {
    try {
      await iam.createRole(
        {
          RoleName: name,
          AssumeRolePolicyDocument: JSON.stringify(trustOf(wish.user)),
          Description: descriptionOf(of),
          Tags: tagList(tagsOf(of, wish.id)),
          ...(wish.boundary && { PermissionsBoundary: wish.boundary }),
        },
        signal,
      );
    } catch (error) {
      if (error instanceof Uncertain || iamErrorName(error) !== "EntityAlreadyExists") throw error;
      throw new CortexError("CONFLICT", `there is an IAM role ${name} that is not of this cluster`, {
        hint: "remove it, or choose another cluster_name",
        cause: error,
      });
    }
  }
}

/** @returns undefined when it is not there, or is somebody else's */
async function find(
  iam: Iam,
  context: ResourceContext,
  id: string,
  signal: AbortSignal,
): Promise<Found<RoleState> | undefined> {
  const { clusterName, identity, aws } = context;
  const names = namesOf({ clusterName, accountId: identity.accountId, region: aws.region });
  const RoleName = names.role(id.slice("role/".length));
  const role = await orAbsent(iam.getRole({ RoleName }, signal).then(({ Role: found }) => found));
  if (!role || !isOurs(role, context)) return undefined;
  const [attached, own] = await Promise.all([
    orAbsent(iam.listAttachedRolePolicies({ RoleName }, signal)),
    hasOwnPolicy.has(id)
      ? orAbsent(iam.getRolePolicy({ RoleName, PolicyName: ownPolicyName }, signal))
      : Promise.resolve(undefined),
  ]);
  const state: RoleState = {
    ...stateOfRole(id, role),
    managedPolicies: (attached?.AttachedPolicies ?? []).flatMap(({ PolicyArn }) => PolicyArn ?? []),
    ...(own?.PolicyDocument && { ownPolicy: canonicalPolicy(own.PolicyDocument) }),
  };
  const createdAt = role.CreateDate?.getTime();
  return { id, state, label: RoleName, status: "ready", ...(createdAt !== undefined && { createdAt }) };
}

/** One whose tags were taken away says still whose it is. */
function isOurs({ Tags: list, Description }: Role, context: ResourceContext): boolean {
  const owner = tagsFrom(list)[clusterTag];
  return owner === context.clusterName || (owner === undefined && Description === descriptionOf(context));
}

function descriptionOf({ clusterName, aws }: ResourceContext): string {
  return `Of the Cortex cluster ${clusterName} in ${aws.region}`;
}

const hasOwnPolicy: ReadonlySet<string> = new Set(purposesWithOwnPolicy.map((purpose) => `role/${purpose}`));

function stateOfRole(id: string, role: Role): Omit<RoleState, "managedPolicies"> {
  const boundary = role.PermissionsBoundary?.PermissionsBoundaryArn;
  return {
    id,
    name: role.RoleName ?? "",
    arn: role.Arn ?? "",
    trust: canonicalPolicy(role.AssumeRolePolicyDocument ?? "{}"),
    ...(boundary && { boundary }),
    tags: tagsFrom(role.Tags),
  };
}

function stateOfWish(context: ResourceContext, name: string, wish: RoleWish): RoleState {
  const { partition, accountId } = context.identity;
  return {
    id: wish.id,
    name,
    arn: `arn:${partition}:iam::${accountId}:role/${name}`,
    trust: canonicalOf(trustOf(wish.user)),
    managedPolicies: wish.managedPolicies,
    ...(wish.ownPolicy && { ownPolicy: canonicalOf(wish.ownPolicy) }),
    ...(wish.boundary && { boundary: wish.boundary }),
    tags: tagsOf(context, wish.id),
  };
}

async function givePolicies(
  iam: Iam,
  RoleName: string,
  wish: RoleWish,
  state: Pick<RoleState, "managedPolicies" | "ownPolicy">,
  signal: AbortSignal,
): Promise<void> {
  const { managedPolicies: wanted, ownPolicy } = wish;
  const has = state.managedPolicies;
  await Promise.all([
    ...wanted
      .filter((arn) => !has.includes(arn))
      .map((PolicyArn) => iam.attachRolePolicy({ RoleName, PolicyArn }, signal)),
    ...has
      .filter((arn) => !wanted.includes(arn))
      .map((PolicyArn) => orAbsent(iam.detachRolePolicy({ RoleName, PolicyArn }, signal))),
    ...(ownPolicy && canonicalOf(ownPolicy) !== state.ownPolicy
      ? [iam.putRolePolicy({ RoleName, PolicyName: ownPolicyName, PolicyDocument: JSON.stringify(ownPolicy) }, signal)]
      : []),
  ]);
}

async function bound(
  iam: Iam,
  RoleName: string,
  wanted: string | undefined,
  has: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (wanted === has) return;
  if (wanted !== undefined) {
    await iam.putRolePermissionsBoundary({ RoleName, PermissionsBoundary: wanted }, signal);
  } else {
    await orAbsent(iam.deleteRolePermissionsBoundary({ RoleName }, signal));
  }
}

/** With all policies, also those that somebody else gave it: IAM removes no role that has any. */
async function removeRole(iam: Iam, RoleName: string, signal: AbortSignal): Promise<void> {
  const [attached, own] = await Promise.all([
    orAbsent(iam.listAttachedRolePolicies({ RoleName }, signal)),
    orAbsent(iam.listRolePolicies({ RoleName }, signal)),
  ]);
  await Promise.all([
    ...(attached?.AttachedPolicies ?? []).map(({ PolicyArn }) =>
      orAbsent(iam.detachRolePolicy({ RoleName, PolicyArn }, signal)),
    ),
    ...(own?.PolicyNames ?? []).map((PolicyName) => orAbsent(iam.deleteRolePolicy({ RoleName, PolicyName }, signal))),
  ]);
  await orAbsent(iam.deleteRole({ RoleName }, signal));
}

function policyDifferences(wish: RoleWish, state: RoleState): readonly Difference[] {
  const field = wish.policiesField ?? "policies";
  const lacks = wish.managedPolicies.filter((arn) => !state.managedPolicies.includes(arn));
  const surplus = state.managedPolicies.filter((arn) => !wish.managedPolicies.includes(arn));
  const ownPolicy = wish.ownPolicy && canonicalOf(wish.ownPolicy);
  return [
    ...lacks.map((arn) => ({ field, from: "", to: arn })),
    ...surplus.map((arn) => ({ field, from: arn, to: "" })),
    ...(ownPolicy !== undefined && ownPolicy !== state.ownPolicy
      ? [{ field: "rights", from: state.ownPolicy === undefined ? "none" : "others", to: "what it needs" }]
      : []),
    ...(canonicalOf(trustOf(wish.user)) === state.trust
      ? []
      : [{ field: "who takes it on", from: "others", to: trustOf(wish.user).Statement[0]?.Principal?.Service ?? "" }]),
  ];
}

function valueDifference(field: string, from: string, to: string): readonly Difference[] {
  return from === to ? [] : [{ field, from, to }];
}

function canonicalOf(document: PolicyDocument): string {
  return canonicalPolicy(JSON.stringify(document));
}

/** @returns what the call gives; undefined when what it is about is not there */
async function orAbsent<Output>(call: Promise<Output>): Promise<Output | undefined> {
  try {
    return await call;
  } catch (error) {
    if (iamErrorName(error) === "NoSuchEntity") return undefined;
    throw error;
  }
}

function subjectOf(error: unknown): string {
  return awsErrorMessage(error) ?? "";
}

/** IAM's own names end so only in what the SDK makes of them. */
function iamErrorName(error: unknown): string | undefined {
  return awsErrorName(error)?.replace(/Exception$/, "");
}
