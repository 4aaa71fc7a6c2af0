import type { PodIdentityAssociationSummary } from "@aws-sdk/client-eks";
import type { Eks } from "../../aws/services/eks.ts";
import type { Found, ResourceKind } from "../../core/graph/resource.ts";
import { type ResourceContext, tagsOf } from "./context.ts";
import { awaitsRole, makeNamed, orAbsent } from "./eks-calls.ts";
import type { ReadControlPlane } from "./owner.ts";
import { allItems } from "./pages.ts";
import { iamTellsWithinMs, type RoleState, type RoleWish } from "./role.ts";
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
  readonly purpose: string;
}

export type PodIdentityKind = ResourceKind<PodIdentityWish, PodIdentity>;

export interface PodIdentityNeeds {
  readonly roles: ResourceKind<RoleWish, RoleState>;
  /** Whose cluster it is: in one of somebody else's all are theirs. */
  readonly named: ReadControlPlane;
}

/** The rights of a service account. Which role it is follows from the name, so it is never another one. */
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
      return (await allAssociations(eks, clusterName, signal)).flatMap(foundOf);
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
      return { associationId: association?.associationId ?? "", purpose };
    },

    differences: () => [],
    update: async (_, state) => state,
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
function foundOf(association: PodIdentityAssociationSummary): readonly Found<PodIdentity>[] {
  const { namespace, serviceAccount, associationId = "" } = association;
  if (namespace !== serviceAccountNamespace) return [];
  return Object.entries(serviceAccounts)
    .filter(([, account]) => account === serviceAccount)
    .map(([purpose]) => ({
      id: `pod-identity/${purpose}`,
      label: associationId,
      state: { associationId, purpose },
      status: "ready",
    }));
}
