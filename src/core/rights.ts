/** Verbs on one kind of object. The one table of what Cortex does to a cluster: `--print-rbac`, `doctor` and hints read it. */
export interface Right {
  /** "" is the core group. */
  readonly group: string;
  /** Plural, with its subresource: `pods/log`. */
  readonly resource: string;
  readonly verbs: readonly string[];
  /** What is done with it, as the end of a sentence that begins "needed to". */
  readonly purpose: string;
  /** Without it that is left out and all else works. */
  readonly isOptional?: true;
}

const gatewayGroup = "gateway.networking.k8s.io";
/** Server-side apply is `patch`, and `create` of what is new; `update` takes back what somebody else added. */
const written = ["get", "list", "create", "patch", "update", "delete"] as const;
const watched = [...written, "watch"] as const;

/**
 * What deploying, looking at and deleting APIs does in the namespace of an environment. Kinds that a cluster lacks are among
 * them: whether it has them shows only to those who may ask.
 */
export const deployRights: readonly Right[] = [
  { group: "", resource: "configmaps", verbs: watched, purpose: "keep what each API is" },
  { group: "apps", resource: "deployments", verbs: watched, purpose: "run replicas" },
  { group: gatewayGroup, resource: "httproutes", verbs: watched, purpose: "route requests" },
  { group: "", resource: "services", verbs: written, purpose: "reach replicas" },
  { group: "", resource: "serviceaccounts", verbs: written, purpose: "run replicas with no rights" },
  { group: "policy", resource: "poddisruptionbudgets", verbs: written, purpose: "keep replicas while nodes drain" },
  { group: "autoscaling", resource: "horizontalpodautoscalers", verbs: written, purpose: "scale" },
  { group: "keda.sh", resource: "scaledobjects", verbs: written, purpose: "scale on requests in flight" },
  {
    group: "gateway.envoyproxy.io",
    resource: "httproutefilters",
    verbs: written,
    purpose: "answer for APIs that have no replica",
  },
  {
    group: "gateway.envoyproxy.io",
    resource: "backendtrafficpolicies",
    verbs: written,
    purpose: "route requests without a time limit",
  },
  {
    group: "monitoring.coreos.com",
    resource: "podmonitors",
    verbs: written,
    purpose: "be scraped by the Prometheus operator",
  },
  {
    group: "apps",
    resource: "controllerrevisions",
    verbs: ["list", "create", "delete"],
    purpose: "keep older revisions",
  },
  // Never read: what they hold comes from whoever deploys.
  {
    group: "",
    resource: "secrets",
    verbs: ["create", "patch", "update", "delete"],
    purpose: "keep env values and pull credentials",
  },
  { group: "", resource: "pods", verbs: ["list", "watch"], purpose: "watch replicas" },
  { group: "apps", resource: "replicasets", verbs: ["get"], purpose: "tell which replicas are of an update" },
  { group: "", resource: "events", verbs: ["list", "watch"], purpose: "say why a replica does not start" },
  { group: "", resource: "pods/log", verbs: ["get"], purpose: "read logs" },
  {
    group: "",
    resource: "pods/portforward",
    verbs: ["get", "create"],
    purpose: "port-forward, and predict without a gateway",
    isOptional: true,
  },
  { group: "", resource: "pods/exec", verbs: ["get", "create"], purpose: "exec", isOptional: true },
];

/** The same beyond the environment's namespace. */
export const clusterReadRights: readonly Right[] = [
  {
    group: "",
    resource: "nodes",
    verbs: ["list"],
    purpose: "make images for the processors of the nodes",
    isOptional: true,
  },
];

/** In the namespace of the Prometheus that is asked, of whatever name its Service is. */
export const metricsRights: readonly Right[] = [
  { group: "", resource: "services/proxy", verbs: ["get"], purpose: "show requests and what scales", isOptional: true },
];

/** What `cortex cluster install`, `uninstall` and `health` do, in all namespaces. */
export const installRights: readonly Right[] = [
  ...addonRights("", ["namespaces", "configmaps", "services", "serviceaccounts"]),
  {
    group: "",
    resource: "secrets",
    verbs: ["get", "list", "delete"],
    purpose: "check the certificate and leave nothing behind",
  },
  ...addonRights("apps", ["deployments", "statefulsets", "daemonsets"]),
  ...addonRights("storage.k8s.io", ["storageclasses"]),
  ...addonRights("batch", ["jobs"]),
  ...addonRights("policy", ["poddisruptionbudgets"]),
  ...addonRights("networking.k8s.io", ["networkpolicies"]),
  ...addonRights("scheduling.k8s.io", ["priorityclasses"]),
  ...addonRights("apiextensions.k8s.io", ["customresourcedefinitions"]),
  ...addonRights("apiregistration.k8s.io", ["apiservices"]),
  ...addonRights("admissionregistration.k8s.io", [
    "mutatingwebhookconfigurations",
    "validatingwebhookconfigurations",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
  ]),
  ...addonRights("rbac.authorization.k8s.io", ["roles", "rolebindings", "clusterroles", "clusterrolebindings"]),
  {
    group: "rbac.authorization.k8s.io",
    resource: "roles",
    verbs: ["escalate", "bind"],
    purpose: "give the add-ons rights that the installer need not have",
  },
  {
    group: "rbac.authorization.k8s.io",
    resource: "clusterroles",
    verbs: ["escalate", "bind"],
    purpose: "give the add-ons rights that the installer need not have",
  },
  ...["gateway.networking.k8s.io", "gateway.envoyproxy.io", "keda.sh", "eventing.keda.sh"].flatMap((group) =>
    addonRights(group, ["*"]),
  ),
  {
    group: "autoscaling",
    resource: "horizontalpodautoscalers",
    verbs: ["list"],
    purpose: "say what uses the metrics server",
  },
  { group: "coordination.k8s.io", resource: "leases", verbs: ["delete"], purpose: "leave nothing behind" },
  { group: "", resource: "nodes", verbs: ["list"], purpose: "say how many proxies there should be" },
  { group: "", resource: "pods", verbs: ["get", "list"], purpose: "say why an add-on does not start" },
  { group: "", resource: "pods/log", verbs: ["get"], purpose: "say why an add-on does not start" },
];

function addonRights(group: string, resources: readonly string[]): readonly Right[] {
  const verbs = ["get", "list", "create", "patch", "delete"];
  return resources.map((resource) => ({ group, resource, verbs, purpose: "make add-ons, and remove them" }));
}

export interface RoleRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** Rules that allow `rights` and nothing else; those with the same group and verbs become one. */
export function rulesOf(rights: readonly Right[]): readonly RoleRule[] {
  const byUse = Map.groupBy(rights, ({ group, verbs }) => `${group} ${verbs.join(",")}`);
  return [...byUse.values()].map((same) => ({
    apiGroups: [same[0]!.group],
    resources: [...new Set(same.map(({ resource }) => resource))],
    verbs: same[0]!.verbs,
  }));
}

const rbac = "rbac.authorization.k8s.io/v1";

/** A Role of `rights` in `namespace`. */
export function roleOf(name: string, namespace: string, rights: readonly Right[]): unknown {
  return { apiVersion: rbac, kind: "Role", metadata: { name, namespace }, rules: rulesOf(rights) };
}

/** The same in all namespaces. */
export function clusterRoleOf(name: string, rights: readonly Right[]): unknown {
  return { apiVersion: rbac, kind: "ClusterRole", metadata: { name }, rules: rulesOf(rights) };
}
