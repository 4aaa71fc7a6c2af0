import type { PodIdentityAssociation, PodIdentityAssociationSummary } from "@aws-sdk/client-eks";
import type { Eks } from "../../aws/services/eks.ts";
import type { Found, ResourceKind } from "../../core/graph/resource.ts";
import { type ResourceContext, tagsOf } from "./context.ts";
import { awaitsRole, makeNamed, orAbsent } from "./eks-calls.ts";
import type { ReadControlPlane } from "./owner.ts";
import { allItems } from "./pages.ts";
import { iamTellsWithinMs, type RoleState, type RoleWish } from "./role.ts";
import { type Tags, tagDifferences } from "./tags.ts";
import { tryUntil } from "./try-until.ts";

/** Which service account takes on which role, by the purpose of the role. Each is there once in a cluster. */
export const serviceAccounts = {
  "vpc-cni": "aws-node",
  "ebs-csi": "ebs-csi-controller-sa",
  "cluster-autoscaler": "cluster-autoscaler",
  "fluent-bit": "fluent-bit",
} as const;
export type PodPurpose = keyof typeof serviceAccounts;

/** Of all of them. */
export const serviceAccountNamespace = "kube-system";

export interface PodIdentityWish {
  /** `pod-identity/vpc-cni`. */
  readonly id: string;
  /** Id of the role's wish. */
  readonly role: string;
}

export interface PodIdentity {
  readonly associationId: string;
  readonly arn: string;
  readonly purpose: string;
  readonly roleArn: string;
  readonly tags: Tags;
}

export type PodIdentityKind = ResourceKind<PodIdentityWish, PodIdentity>;

export interface PodIdentityNeeds {
  readonly roles: ResourceKind<RoleWish, RoleState>;
  /** Whose cluster it is: in one of somebody else's all are theirs. */
  readonly named: ReadControlPlane;
}

/** The rights of a service account. */
export function podIdentityKind(context: ResourceContext, { roles, named }: PodIdentityNeeds): PodIdentityKind {
  const { aws, clusterName } = context;
  return {
    name: "pod-identity",
    title: "rights of a service account",
    needs: ["control-plane", "role"],
    typicalMs: { create: 2_000, update: 1_000, remove: 1_000 },

    async list(signal) {
      if ((await named(signal)).owner !== "ours") return [];
      const eks = await aws.eks();
      const all = (await allAssociations(eks, clusterName, signal)).filter(isUsed);
      const found = await Promise.all(all.map((one) => describe(eks, clusterName, one, signal)));
      return found.flatMap((one) => (one ? [foundOf(one)] : []));
    },

    async create(wish, doing, signal) {
      const eks = await aws.eks();
      const purpose = wish.id.slice("pod-identity/".length);
      const serviceAccount = serviceAccounts[purpose as PodPurpose];
      const { arn: roleArn } = doing.states.of(roles, wish.role);
      const tags = { ...tagsOf(context, wish.id) };
      const input = { clusterName, namespace: serviceAccountNamespace, serviceAccount, roleArn, tags };
      const taken = `service account ${serviceAccount} of ${clusterName} has a role already`;
      const limits = { ...doing, limitMs: iamTellsWithinMs, isWorthAnother: awaitsRole };
      const { association } = await tryUntil(limits, signal, () =>
        makeNamed(() => eks.createPodIdentityAssociation(input, signal), taken, "run the same command again"),
      );
      const { associationId = "", associationArn: arn = "" } = association ?? {};
      return { associationId, arn, purpose, roleArn, tags };
    },

    *differences(wish, state, states) {
      yield* tagDifferences(tagsOf(context, wish.id), state.tags);
      const { arn } = states.of(roles, wish.role);
      if (arn !== state.roleArn) yield { field: "role", from: state.roleArn, to: arn };
    },

    async update(wish, state, doing, signal) {
      const eks = await aws.eks();
      const { associationId, arn: resourceArn } = state;
      const { arn: roleArn } = doing.states.of(roles, wish.role);
      if (roleArn !== state.roleArn) {
        const limits = { ...doing, limitMs: iamTellsWithinMs, isWorthAnother: awaitsRole };
        const change = { clusterName, associationId, roleArn };
        await tryUntil(limits, signal, () => eks.updatePodIdentityAssociation(change, signal));
      }
      const tags = { ...tagsOf(context, wish.id) };
      if (tagDifferences(tags, state.tags).length > 0) await eks.tagResource({ resourceArn, tags }, signal);
      return { ...state, roleArn, tags: { ...state.tags, ...tags } };
    },

    settle: async ({ state }) => state,

    async remove({ associationId }, _, signal) {
      const eks = await aws.eks();
      await orAbsent(eks.deletePodIdentityAssociation({ clusterName, associationId }, signal));
    },
  };
}

function allAssociations(
  eks: Eks,
  clusterName: string,
  signal: AbortSignal,
): Promise<readonly PodIdentityAssociationSummary[]> {
  const list = (nextToken: string | undefined) =>
    orAbsent(eks.listPodIdentityAssociations({ clusterName, ...(nextToken && { nextToken }) }, signal));
  return allItems(
    list,
    (page) => page?.associations,
    (page) => page?.nextToken,
  );
}

/** Those of other service accounts are the user's. */
function isUsed({ namespace, serviceAccount }: PodIdentityAssociationSummary): boolean {
  return namespace === serviceAccountNamespace && purposeOf(serviceAccount) !== undefined;
}

function purposeOf(serviceAccount: string | undefined): string | undefined {
  return Object.entries(serviceAccounts).find(([, account]) => account === serviceAccount)?.[0];
}

/** @returns undefined when it went since it was listed */
async function describe(
  eks: Eks,
  clusterName: string,
  { associationId }: PodIdentityAssociationSummary,
  signal: AbortSignal,
): Promise<PodIdentityAssociation | undefined> {
  return (await orAbsent(eks.describePodIdentityAssociation({ clusterName, associationId }, signal)))?.association;
}

function foundOf(association: PodIdentityAssociation): Found<PodIdentity> {
  const { serviceAccount, associationId = "", associationArn: arn = "", roleArn = "", tags = {} } = association;
  const purpose = purposeOf(serviceAccount) ?? "";
  return {
    id: `pod-identity/${purpose}`,
    label: associationId,
    state: { associationId, arn, purpose, roleArn, tags },
    status: "ready",
  };
}
