import type { CreatePodIdentityAssociationCommandInput, PodIdentityAssociation } from "@aws-sdk/client-eks";
import { mustBeAssumable } from "../iam.ts";
import type { Handlers, Handling } from "../world.ts";
import { answer, arnOf, clusterOf, type EksCluster, inputOf, inUse, mustBeActive, notFound, page } from "./state.ts";

export const podIdentityHandlers: Handlers = {
  CreatePodIdentityAssociation: async (handling) => {
    const input = inputOf<CreatePodIdentityAssociationCommandInput>(handling);
    const record = clusterNamed(handling);
    mustBeActive(record);
    return answer({ association: await addAssociation(handling, record, input) });
  },
  DescribePodIdentityAssociation: (handling) => answer({ association: associationOf(handling) }),
  ListPodIdentityAssociations: (handling) => {
    const { query } = handling.request;
    const [namespace, serviceAccount] = [query.get("namespace"), query.get("serviceAccount")];
    const all = [...clusterNamed(handling).associations.values()].filter(
      (one) =>
        (namespace === null || one.namespace === namespace) &&
        (serviceAccount === null || one.serviceAccount === serviceAccount),
    );
    const shown = all.map(({ clusterName, namespace, serviceAccount, associationArn, associationId, ownerArn }) => ({
      ...{ clusterName, namespace, serviceAccount, associationArn, associationId, ownerArn },
    }));
    return page(handling, "associations", shown);
  },
  UpdatePodIdentityAssociation: async (handling) => {
    const association = associationOf(handling);
    const { roleArn } = inputOf<CreatePodIdentityAssociationCommandInput>(handling);
    if (roleArn) {
      await mustBeAssumable(handling, roleArn, "pods.eks.amazonaws.com", []);
      clusterNamed(handling).associations.set(association.associationId!, { ...association, roleArn });
    }
    return answer({ association: associationOf(handling) });
  },
  DeletePodIdentityAssociation: (handling) => {
    const association = associationOf(handling);
    clusterNamed(handling).associations.delete(association.associationId!);
    return answer({ association });
  },
};

/** @param ownerArn the add-on that it belongs to */
export async function addAssociation(
  handling: Handling,
  record: EksCluster,
  input: Pick<CreatePodIdentityAssociationCommandInput, "namespace" | "serviceAccount" | "roleArn" | "tags">,
  ownerArn?: string,
): Promise<PodIdentityAssociation> {
  const { namespace, serviceAccount, roleArn, tags } = input;
  const there = [...record.associations.values()].find(
    (one) => one.namespace === namespace && one.serviceAccount === serviceAccount,
  );
  if (there) throw inUse(`Association already exists: ${there.associationId}`);
  await mustBeAssumable(handling, roleArn ?? "", "pods.eks.amazonaws.com", []);
  const associationId = `a-${crypto.randomUUID().replaceAll("-", "").slice(0, 17)}`;
  const now = new Date(handling.world.clock.now());
  const association: PodIdentityAssociation = {
    clusterName: record.cluster.name!,
    namespace: namespace!,
    serviceAccount: serviceAccount!,
    roleArn: roleArn!,
    associationArn: arnOf(handling, `podidentityassociation/${record.cluster.name}/${associationId}`),
    associationId,
    tags: { ...tags },
    createdAt: now,
    modifiedAt: now,
    ...(ownerArn !== undefined && { ownerArn }),
  };
  record.associations.set(associationId, association);
  return association;
}

function clusterNamed({ region, request }: Handling): EksCluster {
  return clusterOf(region, String(request.json.clusterName));
}

function associationOf(handling: Handling): PodIdentityAssociation {
  const id = String(handling.request.json.associationId);
  const found = clusterNamed(handling).associations.get(id);
  if (found === undefined) throw notFound(`The association ${id} does not exist.`);
  return found;
}
