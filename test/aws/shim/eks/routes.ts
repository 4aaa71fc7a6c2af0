const routes: readonly (readonly [operation: string, method: string, path: string])[] = [
  ["CreateCluster", "POST", "/clusters"],
  ["ListClusters", "GET", "/clusters"],
  ["DescribeCluster", "GET", "/clusters/{name}"],
  ["DeleteCluster", "DELETE", "/clusters/{name}"],
  ["UpdateClusterConfig", "POST", "/clusters/{name}/update-config"],
  ["UpdateClusterVersion", "POST", "/clusters/{name}/updates"],
  ["ListUpdates", "GET", "/clusters/{name}/updates"],
  ["DescribeUpdate", "GET", "/clusters/{name}/updates/{updateId}"],
  ["CreateNodegroup", "POST", "/clusters/{clusterName}/node-groups"],
  ["ListNodegroups", "GET", "/clusters/{clusterName}/node-groups"],
  ["DescribeNodegroup", "GET", "/clusters/{clusterName}/node-groups/{nodegroupName}"],
  ["DeleteNodegroup", "DELETE", "/clusters/{clusterName}/node-groups/{nodegroupName}"],
  ["UpdateNodegroupConfig", "POST", "/clusters/{clusterName}/node-groups/{nodegroupName}/update-config"],
  ["UpdateNodegroupVersion", "POST", "/clusters/{clusterName}/node-groups/{nodegroupName}/update-version"],
  ["CreateAddon", "POST", "/clusters/{clusterName}/addons"],
  ["ListAddons", "GET", "/clusters/{clusterName}/addons"],
  ["DescribeAddon", "GET", "/clusters/{clusterName}/addons/{addonName}"],
  ["DeleteAddon", "DELETE", "/clusters/{clusterName}/addons/{addonName}"],
  ["UpdateAddon", "POST", "/clusters/{clusterName}/addons/{addonName}/update"],
  ["DescribeAddonVersions", "GET", "/addons/supported-versions"],
  ["CreatePodIdentityAssociation", "POST", "/clusters/{clusterName}/pod-identity-associations"],
  ["ListPodIdentityAssociations", "GET", "/clusters/{clusterName}/pod-identity-associations"],
  ["DescribePodIdentityAssociation", "GET", "/clusters/{clusterName}/pod-identity-associations/{associationId}"],
  ["UpdatePodIdentityAssociation", "POST", "/clusters/{clusterName}/pod-identity-associations/{associationId}"],
  ["DeletePodIdentityAssociation", "DELETE", "/clusters/{clusterName}/pod-identity-associations/{associationId}"],
  ["CreateAccessEntry", "POST", "/clusters/{clusterName}/access-entries"],
  ["ListAccessEntries", "GET", "/clusters/{clusterName}/access-entries"],
  ["DescribeAccessEntry", "GET", "/clusters/{clusterName}/access-entries/{principalArn}"],
  ["UpdateAccessEntry", "POST", "/clusters/{clusterName}/access-entries/{principalArn}"],
  ["DeleteAccessEntry", "DELETE", "/clusters/{clusterName}/access-entries/{principalArn}"],
  ["AssociateAccessPolicy", "POST", "/clusters/{clusterName}/access-entries/{principalArn}/access-policies"],
  ["ListAssociatedAccessPolicies", "GET", "/clusters/{clusterName}/access-entries/{principalArn}/access-policies"],
  [
    "DisassociateAccessPolicy",
    "DELETE",
    "/clusters/{clusterName}/access-entries/{principalArn}/access-policies/{policyArn}",
  ],
  ["DescribeClusterVersions", "GET", "/cluster-versions"],
  ["ListTagsForResource", "GET", "/tags/{resourceArn}"],
  ["TagResource", "POST", "/tags/{resourceArn}"],
  ["UntagResource", "DELETE", "/tags/{resourceArn}"],
];

const compiled = routes.map(([operation, method, path]) => ({
  operation,
  method,
  pattern: new RegExp(`^${path.replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`),
}));

export interface EksOperation {
  /** `METHOD /path` for one that the emulator does not know. */
  readonly operation: string;
  /** What stands in the path. */
  readonly parameters: Readonly<Record<string, string>>;
}

export function eksOperation(method: string, path: string): EksOperation {
  for (const route of compiled) {
    const match = route.method === method ? route.pattern.exec(path) : null;
    if (match === null) continue;
    const parameters = Object.entries(match.groups ?? {}).map(([name, value]) => [name, decodeURIComponent(value)]);
    return { operation: route.operation, parameters: Object.fromEntries(parameters) };
  }
  return { operation: `${method} ${path}`, parameters: {} };
}
