import type { Addon, AddonInfo, CreateAddonCommandInput, UpdateAddonCommandInput } from "@aws-sdk/client-eks";
import type { Handlers, Handling } from "../world.ts";
import { addAssociation } from "./pod-identities.ts";
import {
  type AddonRecord,
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
  startUpdate,
} from "./state.ts";
import { versions } from "./versions.ts";

interface KnownAddon {
  /** Newest first, without what says for which Kubernetes it was built. */
  readonly versions: readonly string[];
  /** It has pods that need a node, beside those of every node. */
  readonly needsNodes: boolean;
  readonly serviceAccount?: string;
  readonly namespace?: string;
}

const known: Readonly<Record<string, KnownAddon>> = {
  "vpc-cni": { versions: ["v1.20.4", "v1.20.1"], needsNodes: false, serviceAccount: "aws-node" },
  "kube-proxy": { versions: ["v1.MINOR.3", "v1.MINOR.1"], needsNodes: false },
  coredns: { versions: ["v1.12.4", "v1.12.1"], needsNodes: true },
  "eks-pod-identity-agent": { versions: ["v1.3.9", "v1.3.8"], needsNodes: false },
  "aws-ebs-csi-driver": { versions: ["v1.51.0", "v1.48.0"], needsNodes: true, serviceAccount: "ebs-csi-controller-sa" },
  "metrics-server": { versions: ["v0.8.0", "v0.7.2"], needsNodes: true },
  "amazon-cloudwatch-observability": {
    versions: ["v4.5.0", "v4.3.1"],
    needsNodes: true,
    serviceAccount: "cloudwatch-agent",
    namespace: "amazon-cloudwatch",
  },
};

export const addonHandlers: Handlers = {
  CreateAddon: createAddon,
  DescribeAddon: (handling) => answer({ addon: shown(handling, clusterNamed(handling), addonOf(handling)) }),
  ListAddons: (handling) => page(handling, "addons", [...clusterNamed(handling).addons.keys()].sort()),
  UpdateAddon: updateAddon,
  DeleteAddon: deleteAddon,
  DescribeAddonVersions: (handling) => {
    const { query } = handling.request;
    const [name, version] = [query.get("addonName"), query.get("kubernetesVersion")];
    if (name !== null) mustBeOffered(handling, name);
    const names = name === null ? Object.keys(known) : [name];
    return page(
      handling,
      "addons",
      names.map((one) => infoOf(one, version ?? undefined)),
    );
  },
};

async function createAddon(handling: Handling) {
  const { world } = handling;
  const input = inputOf<CreateAddonCommandInput>(handling);
  const record = clusterNamed(handling);
  const name = input.addonName ?? "";
  mustBeOffered(handling, name);
  if (record.addons.has(name)) throw inUse(`Addon already exists.`);
  mustBeActive(record);
  mustFit(record, name, input.addonVersion);
  mustBeJson(input.configurationValues);
  const now = new Date(world.clock.now());
  const arn = arnOf(handling, `addon/${record.cluster.name}/${name}/${crypto.randomUUID()}`);
  const associations: string[] = [];
  for (const { serviceAccount, roleArn } of input.podIdentityAssociations ?? []) {
    const namespace = input.namespaceConfig?.namespace ?? known[name]!.namespace ?? "kube-system";
    const made = await addAssociation(handling, record, { namespace, serviceAccount, roleArn, tags: input.tags }, arn);
    associations.push(made.associationArn!);
  }
  const addon: Addon = {
    addonName: name,
    clusterName: record.cluster.name!,
    status: "CREATING",
    addonVersion: input.addonVersion ?? versionsFor(name, record.cluster.version!)[0]!,
    health: { issues: [] },
    addonArn: arn,
    createdAt: now,
    modifiedAt: now,
    tags: { ...input.tags },
    podIdentityAssociations: associations,
    ...(input.serviceAccountRoleArn && { serviceAccountRoleArn: input.serviceAccountRoleArn }),
    ...(input.configurationValues && { configurationValues: input.configurationValues }),
  };
  const added = { addon, changedAt: world.clock.now() };
  record.addons.set(name, added);
  return answer({ addon: shown(handling, record, added) });
}

function updateAddon(handling: Handling) {
  const input = inputOf<UpdateAddonCommandInput>(handling);
  const record = clusterNamed(handling);
  const found = addonOf(handling);
  const { addon } = found;
  const status = shown(handling, record, found).status;
  if (status !== "ACTIVE" && status !== "DEGRADED")
    throw inUse(`Addon ${addon.addonName} cannot be updated: it is ${status}`);
  if (input.addonVersion) mustFit(record, addon.addonName!, input.addonVersion);
  mustBeJson(input.configurationValues);
  addon.status = "UPDATING";
  const params = [{ type: "AddonVersion" as const, value: input.addonVersion ?? addon.addonVersion! }];
  const finish = () => {
    if (addon.status !== "UPDATING") return;
    if (input.addonVersion) addon.addonVersion = input.addonVersion;
    if (input.configurationValues !== undefined) addon.configurationValues = input.configurationValues;
    if (input.serviceAccountRoleArn) addon.serviceAccountRoleArn = input.serviceAccountRoleArn;
    addon.status = "ACTIVE";
    found.changedAt = handling.world.clock.now();
    addon.modifiedAt = new Date(found.changedAt);
  };
  const end = { ms: handling.world.times.updateAddon, of: { addonName: addon.addonName! }, finish };
  return answer({ update: startUpdate(handling, record, "AddonUpdate", params, end) });
}

function deleteAddon(handling: Handling) {
  const { world } = handling;
  const record = clusterNamed(handling);
  const { addon } = addonOf(handling);
  if (addon.status !== "DELETING") {
    addon.status = "DELETING";
    world.timeline.plan(world.clock.now() + world.times.deleteAddon, () => {
      record.addons.delete(addon.addonName!);
      for (const [id, { ownerArn }] of record.associations)
        if (ownerArn === addon.addonArn) record.associations.delete(id);
    });
  }
  return answer({ addon });
}

/** @returns with the state that it is in now: one that needs nodes and has none never becomes active */
function shown({ world }: Handling, { nodeGroups }: EksCluster, { addon, changedAt }: AddonRecord): Addon {
  if (addon.status === "DELETING" || addon.status === "UPDATING") return addon;
  const age = world.clock.now() - changedAt;
  const groups = [...nodeGroups.values()].map(({ group }) => group);
  const hasNodes = groups.some(
    ({ status, scalingConfig }) => status !== "CREATING" && (scalingConfig?.desiredSize ?? 0) > 0,
  );
  if (known[addon.addonName!]!.needsNodes && !hasNodes) {
    if (age < world.times.degradeAddon) return { ...addon, status: addon.status === "ACTIVE" ? "ACTIVE" : "CREATING" };
    const message = "The add-on is unhealthy because it doesn't have the desired number of replicas.";
    return { ...addon, status: "DEGRADED", health: { issues: [{ code: "InsufficientNumberOfReplicas", message }] } };
  }
  if (age >= world.times.createAddon) addon.status = "ACTIVE";
  return addon;
}

function infoOf(name: string, version: string | undefined): AddonInfo {
  const all = versions
    .map(({ clusterVersion }) => clusterVersion)
    .filter((one) => version === undefined || one === version);
  return {
    addonName: name,
    type: "networking",
    publisher: "eks",
    owner: "aws",
    defaultNamespace: known[name]!.namespace ?? "kube-system",
    addonVersions: all.flatMap((clusterVersion) =>
      versionsFor(name, clusterVersion).map((addonVersion, index) => ({
        addonVersion,
        architecture: ["amd64", "arm64"],
        // The default is not the newest, as is often so.
        compatibilities: [{ clusterVersion, platformVersions: ["*"], defaultVersion: index === 1 }],
        requiresConfiguration: false,
        requiresIamPermissions: known[name]!.serviceAccount !== undefined,
      })),
    ),
  };
}

function versionsFor(name: string, clusterVersion: string): string[] {
  const minor = clusterVersion.split(".")[1]!;
  // Add-ons are built anew for every version of Kubernetes.
  return known[name]!.versions.map((version) => `${version.replace("MINOR", minor)}-eksbuild.${Number(minor) - 30}`);
}

function mustBeOffered({ world }: Handling, name: string) {
  if (name in known && !world.options.withoutAddons.includes(name)) return;
  throw invalid(`Addon ${name} specified is not supported`);
}

function mustFit({ cluster }: EksCluster, name: string, version: string | undefined) {
  if (version === undefined || versionsFor(name, cluster.version!).includes(version)) return;
  throw invalid(`Addon version specified is not supported: ${name} ${version} on Kubernetes ${cluster.version}`);
}

function mustBeJson(values: string | undefined) {
  if (values === undefined || values === "") return;
  try {
    JSON.parse(values);
  } catch {
    throw invalid("ConfigurationValue provided in request is not supported: not a JSON document");
  }
}

function clusterNamed({ region, request }: Handling): EksCluster {
  return clusterOf(region, String(request.json.clusterName));
}

function addonOf(handling: Handling): AddonRecord {
  const name = String(handling.request.json.addonName);
  const found = clusterNamed(handling).addons.get(name);
  if (found === undefined) throw notFound(`No addon: ${name} found in cluster: ${handling.request.json.clusterName}`);
  return found;
}
