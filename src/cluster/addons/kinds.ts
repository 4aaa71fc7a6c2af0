import { clusterWide, namespaced, type ResourceType, resource } from "../../kubernetes/objects.ts";

const rbac = "rbac.authorization.k8s.io/v1";
const admission = "admissionregistration.k8s.io/v1";

/** Kinds that add-ons are made of and APIs are not. */
export const addonResource = {
  customResourceDefinition: clusterWide(
    "apiextensions.k8s.io/v1",
    "CustomResourceDefinition",
    "customresourcedefinitions",
  ),
  clusterRole: clusterWide(rbac, "ClusterRole", "clusterroles"),
  clusterRoleBinding: clusterWide(rbac, "ClusterRoleBinding", "clusterrolebindings"),
  role: namespaced(rbac, "Role", "roles"),
  roleBinding: namespaced(rbac, "RoleBinding", "rolebindings"),
  apiService: clusterWide("apiregistration.k8s.io/v1", "APIService", "apiservices"),
  mutatingWebhook: clusterWide(admission, "MutatingWebhookConfiguration", "mutatingwebhookconfigurations"),
  validatingWebhook: clusterWide(admission, "ValidatingWebhookConfiguration", "validatingwebhookconfigurations"),
  admissionPolicy: clusterWide(admission, "ValidatingAdmissionPolicy", "validatingadmissionpolicies"),
  admissionPolicyBinding: clusterWide(
    admission,
    "ValidatingAdmissionPolicyBinding",
    "validatingadmissionpolicybindings",
  ),
  priorityClass: clusterWide("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses"),
  job: namespaced("batch/v1", "Job", "jobs"),
  statefulSet: namespaced("apps/v1", "StatefulSet", "statefulsets"),
  daemonSet: namespaced("apps/v1", "DaemonSet", "daemonsets"),
  storageClass: clusterWide("storage.k8s.io/v1", "StorageClass", "storageclasses"),
  lease: namespaced("coordination.k8s.io/v1", "Lease", "leases"),
  networkPolicy: namespaced("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
  envoyProxy: namespaced("gateway.envoyproxy.io/v1alpha1", "EnvoyProxy", "envoyproxies"),
  clientTrafficPolicy: namespaced("gateway.envoyproxy.io/v1alpha1", "ClientTrafficPolicy", "clienttrafficpolicies"),
  referenceGrant: namespaced("gateway.networking.k8s.io/v1beta1", "ReferenceGrant", "referencegrants"),
} as const;

/** All kinds that `cluster install` may write; a manifest with another is refused. */
export const installedKinds: readonly ResourceType[] = [
  resource.namespace,
  addonResource.customResourceDefinition,
  addonResource.admissionPolicy,
  addonResource.admissionPolicyBinding,
  addonResource.priorityClass,
  addonResource.storageClass,
  resource.serviceAccount,
  addonResource.clusterRole,
  addonResource.clusterRoleBinding,
  addonResource.role,
  addonResource.roleBinding,
  resource.configMap,
  resource.service,
  resource.podDisruptionBudget,
  addonResource.networkPolicy,
  addonResource.job,
  resource.deployment,
  addonResource.statefulSet,
  addonResource.daemonSet,
  addonResource.apiService,
  addonResource.mutatingWebhook,
  addonResource.validatingWebhook,
  resource.gatewayClass,
  addonResource.envoyProxy,
  addonResource.referenceGrant,
  resource.gateway,
  resource.backendTrafficPolicy,
  addonResource.clientTrafficPolicy,
];

/** @returns undefined for a kind that add-ons are not made of */
export function kindOf(object: { readonly apiVersion: string; readonly kind: string }): ResourceType | undefined {
  return installedKinds.find(({ apiVersion, kind }) => apiVersion === object.apiVersion && kind === object.kind);
}
