import { GetRoleCommand, ListAttachedRolePoliciesCommand, type Role } from "@aws-sdk/client-iam";
import { type Asked, isAllowed } from "../policy-evaluator.ts";
import { simulated } from "./asked-of-iam.ts";
import { invalid } from "./eks/state.ts";
import { queryAnswer } from "./reply.ts";
import type { Handlers, Handling } from "./world.ts";
import { element } from "./xml.ts";

export const iamHandlers: Handlers = {
  CreateRole: async (handling) => {
    const reply = await handling.forward();
    const name = handling.request.form.get("RoleName") ?? "";
    if (reply.status === 200) handling.world.roles.set(name, handling.world.clock.now());
    return reply;
  },
  SimulatePrincipalPolicy: ({ request, world }) => {
    const { policies } = world.rights;
    const isFine = (one: Asked) =>
      !isDenied(world.options.denied, one.action) && (policies === undefined || isAllowed(policies, one));
    const results = simulated(request).map((one) =>
      element("member", [
        element("EvalActionName", one.action),
        element("EvalResourceName", one.resource),
        element("EvalDecision", isFine(one) ? "allowed" : "implicitDeny"),
        element("MatchedStatements", []),
        element("MissingContextValues", []),
      ]),
    );
    return queryAnswer(request, [element("EvaluationResults", results), element("IsTruncated", "false")]);
  },
};

/** @returns whether IAM's patterns name an action: `ec2:*`, case does not matter */
export function isDenied(patterns: readonly string[], action: string): boolean {
  return patterns.some((pattern) => new RegExp(`^${pattern.replaceAll("*", ".*")}$`, "i").test(action));
}

/** @returns the role of that ARN or name; undefined when there is none */
export async function roleNamed({ moto }: Handling, arn: string): Promise<Role | undefined> {
  const RoleName = arn.slice(arn.lastIndexOf("/") + 1);
  const found = await moto.iam.send(new GetRoleCommand({ RoleName })).catch(() => undefined);
  return found?.Role;
}

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Principal?: { readonly Service?: string | readonly string[] };
}

/**
 * Checks a role as services do that are to take it on.
 * @param policies ARNs of the managed policies that it must have
 * @throws Refused InvalidParameterException also for a role so new that nobody but IAM knows it yet
 */
export async function mustBeAssumable(
  handling: Handling,
  arn: string,
  service: string,
  policies: readonly string[],
): Promise<void> {
  const { world, moto } = handling;
  const role = await roleNamed(handling, arn);
  const madeAt = role === undefined ? undefined : world.roles.get(role.RoleName!);
  const isNew = madeAt !== undefined && world.clock.now() - madeAt < world.times.propagateRole;
  if (role === undefined || isNew || !trusts(role, service)) {
    throw invalid(
      service === "pods.eks.amazonaws.com" && role === undefined
        ? "Role provided in the request does not exist."
        : `Role with arn: ${arn}, could not be assumed because it does not exist or the trusted entity is not correct`,
    );
  }
  if (policies.length === 0) return;
  const command = new ListAttachedRolePoliciesCommand({ RoleName: role.RoleName! });
  const { AttachedPolicies = [] } = await moto.iam.send(command);
  const missing = policies.filter((policy) => !AttachedPolicies.some(({ PolicyArn }) => PolicyArn === policy));
  if (missing.length === 0) return;
  throw invalid(
    "The provided role doesn't have the Amazon EKS Managed Policies associated with it. " +
      `Please ensure the following policies [${missing.join(", ")}] are attached`,
  );
}

function trusts({ AssumeRolePolicyDocument }: Role, service: string): boolean {
  const { Statement = [] } = JSON.parse(decodeURIComponent(AssumeRolePolicyDocument ?? "{}")) as {
    readonly Statement?: readonly Statement[];
  };
  const wanted = service === "pods.eks.amazonaws.com" ? ["sts:AssumeRole", "sts:TagSession"] : ["sts:AssumeRole"];
  const actions = Statement.filter(
    ({ Effect, Principal }) => Effect === "Allow" && [Principal?.Service ?? []].flat().includes(service),
  ).flatMap(({ Action }) => [Action].flat());
  return wanted.every((action) => actions.includes(action) || actions.includes("sts:*"));
}
