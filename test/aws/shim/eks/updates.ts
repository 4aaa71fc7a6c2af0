import type {
  UpdateClusterConfigCommandInput,
  UpdateClusterVersionCommandInput,
  UpdateParam,
  UpdateType,
} from "@aws-sdk/client-eks";
import type { Handlers, Handling } from "../world.ts";
import { allLogging, writeLogs } from "./control-planes.ts";
import {
  answer,
  clusterOf,
  type EksCluster,
  inputOf,
  inUse,
  invalid,
  mustBeActive,
  notFound,
  page,
  startUpdate,
  type UpdateRecord,
} from "./state.ts";
import { minorOf, platformVersion, versions } from "./versions.ts";

export const updateHandlers: Handlers = {
  UpdateClusterConfig: updateConfig,
  UpdateClusterVersion: updateVersion,
  DescribeUpdate: (handling) => {
    const found = clusterOf(handling.region, named(handling)).updates.get(String(handling.request.json.updateId));
    if (found === undefined || !isOf(handling, found)) {
      throw notFound(`No update found for ID: ${handling.request.json.updateId}`);
    }
    return answer({ update: found.update });
  },
  ListUpdates: (handling) => {
    const { updates } = clusterOf(handling.region, named(handling));
    const found = [...updates.values()].filter((record) => isOf(handling, record));
    return page(handling, "updateIds", found.map(({ update }) => update.id).reverse());
  },
};

interface Change {
  readonly type: UpdateType;
  readonly params: readonly UpdateParam[];
  apply(): Promise<void> | void;
}

function updateConfig(handling: Handling) {
  const record = clusterOf(handling.region, named(handling));
  mustBeIdle(record);
  const changes = changesOf(handling, record, inputOf<UpdateClusterConfigCommandInput>(handling));
  if (changes.length > 1) throw invalid("Only one type of update can be allowed.");
  const [change] = changes;
  if (change === undefined) throw invalid("No changes needed for the cluster config provided");
  return begin(handling, record, change, handling.world.times.updateCluster);
}

function updateVersion(handling: Handling) {
  const record = clusterOf(handling.region, named(handling));
  mustBeIdle(record);
  const { cluster, nodeGroups } = record;
  const { version = "" } = inputOf<UpdateClusterVersionCommandInput>(handling);
  if (!versions.some(({ clusterVersion }) => clusterVersion === version))
    throw invalid("unsupported Kubernetes version");
  if (minorOf(version) !== minorOf(cluster.version!) + 1) {
    throw invalid(`Unsupported Kubernetes minor version update from ${cluster.version} to ${version}`);
  }
  const tooOld = [...nodeGroups.values()].find(({ group }) => minorOf(version) - minorOf(group.version!) > 3);
  if (tooOld) throw invalid(`Nodegroup ${tooOld.group.nodegroupName} must be updated to match cluster version before`);
  const params = [
    { type: "Version" as const, value: version },
    { type: "PlatformVersion" as const, value: platformVersion(version) },
  ];
  const apply = () => {
    cluster.version = version;
    cluster.platformVersion = platformVersion(version);
  };
  return begin(handling, record, { type: "VersionUpdate", params, apply }, handling.world.times.upgradeCluster);
}

function begin(handling: Handling, record: EksCluster, change: Change, ms: number) {
  const { cluster } = record;
  cluster.status = "UPDATING";
  const finish = async () => {
    await change.apply();
    cluster.status = "ACTIVE";
  };
  return answer({ update: startUpdate(handling, record, change.type, change.params, { ms, finish }) });
}

function changesOf(handling: Handling, record: EksCluster, input: UpdateClusterConfigCommandInput): Change[] {
  const { cluster } = record;
  const changes: Change[] = [];
  const add = (type: UpdateType, params: readonly UpdateParam[], apply: Change["apply"]) =>
    changes.push({ type, params, apply });
  const { logging, resourcesVpcConfig: vpc, accessConfig, upgradePolicy, deletionProtection } = input;
  if (logging) {
    const wanted = allLogging([...(logging.clusterLogging ?? []), ...kept(cluster.logging?.clusterLogging, logging)]);
    if (JSON.stringify(wanted) === JSON.stringify(cluster.logging?.clusterLogging)) {
      throw invalid("No changes needed for the logging config provided");
    }
    add("LoggingUpdate", [{ type: "ClusterLogging", value: JSON.stringify(logging) }], async () => {
      cluster.logging = { clusterLogging: wanted };
      await writeLogs(handling, record);
    });
  }
  if (vpc && (vpc.subnetIds || vpc.securityGroupIds)) {
    const { subnetIds, securityGroupIds } = vpc;
    add("VpcConfigUpdate", [{ type: "Subnets", value: JSON.stringify(subnetIds ?? []) }], () => {
      cluster.resourcesVpcConfig = {
        ...cluster.resourcesVpcConfig,
        ...(subnetIds && { subnetIds }),
        ...(securityGroupIds && { securityGroupIds }),
      };
    });
  }
  const endpoint = endpointChange(record, input);
  if (endpoint) changes.push(endpoint);
  if (accessConfig?.authenticationMode) {
    const { authenticationMode } = accessConfig;
    add("AccessConfigUpdate", [{ type: "AuthenticationMode", value: authenticationMode }], () => {
      cluster.accessConfig = { ...cluster.accessConfig, authenticationMode };
    });
  }
  if (upgradePolicy) {
    add("UpgradePolicyUpdate", [{ type: "UpgradePolicy", value: JSON.stringify(upgradePolicy) }], () => {
      cluster.upgradePolicy = upgradePolicy;
    });
  }
  if (deletionProtection !== undefined) {
    add("DeletionProtectionUpdate", [{ type: "DeletionProtection", value: String(deletionProtection) }], () => {
      cluster.deletionProtection = deletionProtection;
    });
  }
  return changes;
}

function endpointChange({ cluster }: EksCluster, { resourcesVpcConfig: vpc }: UpdateClusterConfigCommandInput) {
  if (vpc === undefined) return undefined;
  const { endpointPublicAccess, endpointPrivateAccess, publicAccessCidrs } = vpc;
  const wanted = {
    ...(endpointPublicAccess !== undefined && { endpointPublicAccess }),
    ...(endpointPrivateAccess !== undefined && { endpointPrivateAccess }),
    ...(publicAccessCidrs !== undefined && { publicAccessCidrs }),
  };
  if (Object.keys(wanted).length === 0) return undefined;
  const merged = { ...cluster.resourcesVpcConfig, ...wanted };
  if (!merged.endpointPrivateAccess && !merged.endpointPublicAccess) {
    throw invalid("Private and public endpoint access cannot be false");
  }
  if (JSON.stringify(merged) === JSON.stringify(cluster.resourcesVpcConfig)) {
    throw invalid("Cluster is already at the desired configuration with the endpoint access given");
  }
  const params: UpdateParam[] = [
    { type: "EndpointPublicAccess", value: String(merged.endpointPublicAccess) },
    { type: "EndpointPrivateAccess", value: String(merged.endpointPrivateAccess) },
    { type: "PublicAccessCidrs", value: JSON.stringify(merged.publicAccessCidrs ?? []) },
  ];
  const apply = () => {
    cluster.resourcesVpcConfig = { ...cluster.resourcesVpcConfig, ...wanted };
  };
  return { type: "EndpointAccessUpdate" as const, params, apply };
}

type Logging = NonNullable<UpdateClusterConfigCommandInput["logging"]>;

/** Types that the request does not name stay as they are. */
function kept(now: Logging["clusterLogging"], { clusterLogging = [] }: Logging) {
  const named = clusterLogging.flatMap(({ types = [] }) => types);
  return (now ?? []).map(({ types = [], enabled }) => ({
    types: types.filter((type) => !named.includes(type)),
    enabled: enabled ?? false,
  }));
}

function mustBeIdle(record: EksCluster) {
  const { cluster, updates } = record;
  const busy = [...updates.values()].find(
    ({ update, nodegroupName, addonName }) => update.status === "InProgress" && !nodegroupName && !addonName,
  );
  if (busy)
    throw inUse(`Cannot update because cluster ${cluster.name} currently has update ${busy.update.id} in progress`);
  if (cluster.status !== "ACTIVE") throw inUse(`Cannot update because cluster ${cluster.name} is ${cluster.status}`);
  mustBeActive(record);
}

function isOf({ request }: Handling, { nodegroupName, addonName }: UpdateRecord): boolean {
  const { query } = request;
  return (
    nodegroupName === (query.get("nodegroupName") ?? undefined) && addonName === (query.get("addonName") ?? undefined)
  );
}

function named({ request }: Handling): string {
  return String(request.json.name);
}
