import type { CloudActivity } from "../core/cloud-rights.ts";
import { actionOf, type ServiceName } from "./endpoints.ts";
import type { AutoScaling } from "./services/auto-scaling.ts";
import type { Certificates } from "./services/certificates.ts";
import type { ClassicLoadBalancers } from "./services/classic-load-balancers.ts";
import type { Ec2 } from "./services/ec2.ts";
import type { Ecr } from "./services/ecr.ts";
import type { Eks } from "./services/eks.ts";
import type { Iam } from "./services/iam.ts";
import type { LoadBalancers } from "./services/load-balancers.ts";
import type { Logs } from "./services/logs.ts";
import type { Pricing } from "./services/pricing.ts";
import type { Quotas } from "./services/quotas.ts";
import type { S3 } from "./services/s3.ts";
import type { Sts } from "./services/sts.ts";

/** Calls of each service, by the names they are called by. */
interface CallsUsed {
  readonly autoScaling?: readonly (keyof AutoScaling)[];
  readonly certificates?: readonly (keyof Certificates)[];
  readonly classicLoadBalancers?: readonly (keyof ClassicLoadBalancers)[];
  readonly ec2?: readonly (keyof Ec2)[];
  readonly ecr?: readonly (keyof Ecr)[];
  readonly eks?: readonly (keyof Eks)[];
  readonly iam?: readonly (keyof Iam)[];
  readonly loadBalancers?: readonly (keyof LoadBalancers)[];
  readonly logs?: readonly (keyof Logs)[];
  readonly pricing?: readonly (keyof Pricing)[];
  readonly quotas?: readonly (keyof Quotas)[];
  readonly s3?: readonly (keyof S3)[];
  readonly sts?: readonly (keyof Sts)[];
}

/** Calls that are made together. A test holds that no call of a service is in none of them. */
const groups = {
  whoAmI: { sts: ["getCallerIdentity"] },
  cluster: {
    eks: ["describeCluster", "listClusters", "listNodegroups", "describeNodegroup"],
    ec2: ["describeInstances", "describeRegions"],
  },
  /** Extended support of an old Kubernetes costs more. */
  prices: {
    pricing: ["getProducts"],
    ec2: ["describeSpotPriceHistory", "describeInstanceTypes"],
    eks: ["describeClusterVersions"],
  },
  /** What of a cluster costs money. */
  running: {
    ec2: ["describeVpcs", "describeVolumes", "describeNatGateways", "describeAddresses"],
    ecr: ["describeRepositories"],
    eks: ["describeClusterVersions"],
  },
  /** What is left of clusters, whichever they were. */
  remains: { ec2: ["describeTags"], s3: ["listBuckets"] },
  /** What is there of a cluster. */
  resources: {
    autoScaling: ["describeScalingActivities"],
    ec2: [
      "describeVpcs",
      "describeVpcAttribute",
      "describeSubnets",
      "describeInternetGateways",
      "describeAddresses",
      "describeNatGateways",
      "describeRouteTables",
      "describeVpcEndpoints",
      "describeSecurityGroups",
      "describeLaunchTemplates",
      "describeNetworkInterfaces",
      "describeVolumes",
      "describeTags",
    ],
    ecr: ["describeRepositories", "listTagsForResource"],
    eks: [
      "describeAddon",
      "listAddons",
      "describeUpdate",
      "listPodIdentityAssociations",
      "describePodIdentityAssociation",
    ],
    iam: ["getRole", "listAttachedRolePolicies", "getRolePolicy", "listRolePolicies"],
    logs: ["describeLogGroups", "listTagsForResource"],
    s3: ["getBucketTagging", "getPublicAccessBlock", "listObjectsV2", "getObject"],
  },
  /** What a wish is checked by before anything is made. */
  facts: {
    certificates: ["describeCertificate"],
    ec2: ["describeInstanceTypeOfferings", "describeAvailabilityZones"],
    eks: ["describeAddonVersions"],
    iam: ["simulatePrincipalPolicy", "getPolicy"],
    quotas: ["listServiceQuotas", "getAWSDefaultServiceQuota"],
  },
  lease: { s3: ["getObject", "putObject", "deleteObject"] },
  making: {
    autoScaling: ["createOrUpdateTags"],
    ec2: [
      "createVpc",
      "modifyVpcAttribute",
      "createSubnet",
      "modifySubnetAttribute",
      "createInternetGateway",
      "attachInternetGateway",
      "allocateAddress",
      "createNatGateway",
      "createRouteTable",
      "createRoute",
      "replaceRoute",
      "associateRouteTable",
      "disassociateRouteTable",
      "createVpcEndpoint",
      "modifyVpcEndpoint",
      "createLaunchTemplate",
      "createLaunchTemplateVersion",
      "createTags",
    ],
    ecr: ["createRepository", "tagResource"],
    eks: [
      "createCluster",
      "updateClusterConfig",
      "createNodegroup",
      "updateNodegroupConfig",
      // Other disks come with other nodes.
      "updateNodegroupVersion",
      "createAddon",
      "updateAddon",
      "createPodIdentityAssociation",
      "updatePodIdentityAssociation",
      "tagResource",
    ],
    iam: [
      "createRole",
      "tagRole",
      "updateAssumeRolePolicy",
      "attachRolePolicy",
      "detachRolePolicy",
      "putRolePolicy",
      "putRolePermissionsBoundary",
      "deleteRolePermissionsBoundary",
    ],
    logs: ["createLogGroup", "tagResource", "putRetentionPolicy"],
    s3: ["createBucket", "putBucketTagging", "putPublicAccessBlock"],
  },
  upgrading: { eks: ["updateClusterVersion", "updateNodegroupVersion", "updateAddon"] },
  removing: {
    ec2: [
      "revokeSecurityGroupIngress",
      "revokeSecurityGroupEgress",
      "deleteVpc",
      "deleteSubnet",
      "detachInternetGateway",
      "deleteInternetGateway",
      "releaseAddress",
      "deleteNatGateway",
      "disassociateRouteTable",
      "deleteRouteTable",
      "deleteVpcEndpoints",
      "deleteSecurityGroup",
      "deleteLaunchTemplate",
    ],
    ecr: ["deleteRepository"],
    eks: ["deleteCluster", "deleteNodegroup", "deleteAddon", "deletePodIdentityAssociation"],
    iam: ["detachRolePolicy", "deleteRolePolicy", "deleteRole"],
    logs: ["deleteLogGroup"],
    s3: ["deleteObjects", "deleteObject", "deleteBucket"],
  },
  /** What Kubernetes made with AWS and would leave. */
  sweeping: {
    classicLoadBalancers: ["describeLoadBalancers", "describeTags", "deleteLoadBalancer"],
    loadBalancers: [
      "describeLoadBalancers",
      "describeTags",
      "deleteLoadBalancer",
      "describeTargetGroups",
      "deleteTargetGroup",
    ],
    ec2: ["deleteNetworkInterface", "deleteVolume"],
  },
  balancers: {
    classicLoadBalancers: ["describeLoadBalancers", "describeTags"],
    loadBalancers: ["describeLoadBalancers", "describeTags", "describeTargetGroups"],
  },
  pushing: { ecr: ["getAuthorizationToken", "createRepository"] },
  readingLogs: { logs: ["getLogEvents", "describeLogStreams"] },
} as const satisfies Readonly<Record<string, CallsUsed>>;

type Group = keyof typeof groups;

const planning: readonly Group[] = ["whoAmI", "cluster", "prices", "resources", "facts", "balancers"];

const groupsOf: Readonly<Record<CloudActivity, readonly Group[]>> = {
  up: [...planning, "lease", "making", "removing"],
  configure: [...planning, "lease", "making", "removing"],
  diff: planning,
  upgrade: [...planning, "lease", "upgrading"],
  down: ["whoAmI", "cluster", "prices", "resources", "lease", "removing", "sweeping"],
  info: ["whoAmI", "cluster", "prices", "running", "balancers", "resources"],
  list: ["whoAmI", "cluster", "running", "remains"],
  export: ["whoAmI", "cluster", "running"],
  health: ["whoAmI", "cluster", "running", "resources", "balancers"],
  logs: ["readingLogs"],
  deploy: ["whoAmI", "pushing"],
};

/** @returns IAM's names of what the calls of a command take, in alphabetical order, each once */
export function actionsOfCalls(activity: CloudActivity): readonly string[] {
  const used = groupsOf[activity].map((name): CallsUsed => groups[name]);
  const actions = used.flatMap((group) =>
    Object.entries(group).flatMap(([service, calls]) =>
      (calls as readonly string[]).map((call) => actionOf(service as ServiceName, call)),
    ),
  );
  return [...new Set(actions)].sort();
}
