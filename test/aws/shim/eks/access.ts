import type { AssociateAccessPolicyCommandInput, CreateAccessEntryCommandInput } from "@aws-sdk/client-eks";
import { roleNamed } from "../iam.ts";
import { json } from "../reply.ts";
import type { Handlers, Handling } from "../world.ts";
import {
  type AccessEntryRecord,
  answer,
  arnOf,
  clusterOf,
  type EksCluster,
  inputOf,
  inUse,
  invalid,
  mustBeActive,
  notFound,
  page,
} from "./state.ts";

export const clusterAdminPolicy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy";

export const accessHandlers: Handlers = {
  CreateAccessEntry: createEntry,
  DescribeAccessEntry: (handling) => answer({ accessEntry: entryOf(handling).entry }),
  ListAccessEntries: (handling) =>
    page(handling, "accessEntries", [...clusterNamed(handling).accessEntries.keys()].sort()),
  UpdateAccessEntry: (handling) => {
    const { entry } = entryOf(handling);
    const { kubernetesGroups, username } = inputOf<CreateAccessEntryCommandInput>(handling);
    if (kubernetesGroups) entry.kubernetesGroups = kubernetesGroups;
    if (username) entry.username = username;
    return answer({ accessEntry: entry });
  },
  DeleteAccessEntry: (handling) => {
    entryOf(handling);
    clusterNamed(handling).accessEntries.delete(principal(handling));
    return json({});
  },
  AssociateAccessPolicy: (handling) => {
    const { policyArn, accessScope } = inputOf<AssociateAccessPolicyCommandInput>(handling);
    if (!/^arn:aws:eks::aws:cluster-access-policy\/\w+$/.test(policyArn ?? "")) throw invalid(`No policy ${policyArn}`);
    const { policies } = entryOf(handling);
    const now = new Date(handling.world.clock.now());
    const added = { policyArn: policyArn!, accessScope: accessScope!, associatedAt: now, modifiedAt: now };
    const index = policies.findIndex((policy) => policy.policyArn === policyArn);
    if (index >= 0) policies[index] = added;
    else policies.push(added);
    return answer({
      clusterName: clusterNamed(handling).cluster.name,
      principalArn: principal(handling),
      associatedAccessPolicy: added,
    });
  },
  ListAssociatedAccessPolicies: (handling) => page(handling, "associatedAccessPolicies", entryOf(handling).policies),
  DisassociateAccessPolicy: (handling) => {
    const { policies } = entryOf(handling);
    const index = policies.findIndex(({ policyArn }) => policyArn === handling.request.json.policyArn);
    if (index < 0) throw notFound("The specified access policy is not associated with the access entry.");
    policies.splice(index, 1);
    return json({});
  },
};

async function createEntry(handling: Handling) {
  const record = clusterNamed(handling);
  mustBeActive(record);
  const input = inputOf<CreateAccessEntryCommandInput>(handling);
  const principalArn = input.principalArn ?? "";
  if (record.cluster.accessConfig?.authenticationMode === "CONFIG_MAP") {
    throw invalid("The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP]");
  }
  if (record.accessEntries.has(principalArn)) {
    throw inUse("The specified access entry resource is already in use on this cluster.");
  }
  await mustExist(handling, principalArn);
  return answer({ accessEntry: addEntry(handling, record, input, false).entry });
}

/** @returns whose entry EKS makes by itself, for the role of a node group */
export function addNodeEntry(handling: Handling, record: EksCluster, principalArn: string): void {
  if (record.cluster.accessConfig?.authenticationMode === "CONFIG_MAP") return;
  if (record.accessEntries.has(principalArn)) return;
  const username = "system:node:{{EC2PrivateDNSName}}";
  addEntry(handling, record, { clusterName: record.cluster.name, principalArn, type: "EC2_LINUX", username }, true);
}

export function removeNodeEntry({ nodeGroups, accessEntries }: EksCluster, principalArn: string): void {
  if (!accessEntries.get(principalArn)?.isOfNodes) return;
  if (![...nodeGroups.values()].some(({ group }) => group.nodeRole === principalArn))
    accessEntries.delete(principalArn);
}

function addEntry(handling: Handling, record: EksCluster, input: CreateAccessEntryCommandInput, isOfNodes: boolean) {
  const now = new Date(handling.world.clock.now());
  const principalArn = input.principalArn!;
  const [, , , , account, resource = ""] = principalArn.split(":");
  const kind = resource.split("/")[0];
  const entry = {
    clusterName: record.cluster.name!,
    principalArn,
    kubernetesGroups: input.kubernetesGroups ?? (isOfNodes ? ["system:nodes"] : []),
    accessEntryArn: arnOf(handling, `access-entry/${record.cluster.name}/${kind}/${account}/${crypto.randomUUID()}`),
    createdAt: now,
    modifiedAt: now,
    tags: { ...input.tags },
    username: input.username ?? principalArn,
    type: input.type ?? "STANDARD",
  };
  const added: AccessEntryRecord = { entry, policies: [], isOfNodes };
  record.accessEntries.set(principalArn, added);
  return added;
}

async function mustExist(handling: Handling, principalArn: string) {
  if (principalArn === handling.world.caller || !principalArn.includes(":role/")) return;
  const found = await roleNamed(handling, principalArn);
  if (found === undefined) throw invalid("The specified principalArn is invalid: invalid principal.");
}

function clusterNamed({ region, request }: Handling): EksCluster {
  return clusterOf(region, String(request.json.clusterName));
}

function principal({ request }: Handling): string {
  return String(request.json.principalArn);
}

function entryOf(handling: Handling): AccessEntryRecord {
  const found = clusterNamed(handling).accessEntries.get(principal(handling));
  if (found === undefined) {
    throw notFound(
      `The specified principalArn could not be found. You can view your available access entries with 'list-access-entries'.`,
    );
  }
  return found;
}
