import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Right, rulesOf } from "../../../../src/core/rights.ts";
import type { KubeClient } from "../../../../src/kubernetes/kube-client.ts";
import type { KubeObject } from "../../../../src/kubernetes/objects.ts";
import { clusterVariables, writeKubeconfig } from "../../../support/cluster.ts";
import { eventually } from "../../../support/cortex.ts";

const { signal } = new AbortController();

/** Makes `rights` what the user of `kubeconfigOf` may do; the cluster hears of it a moment later. */
export async function setRole(client: KubeClient, namespace: string, rights: readonly Right[]): Promise<void> {
  const role = {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "Role",
    metadata: { name: "deployer", namespace },
    rules: rulesOf(rights),
  };
  await client.apply(role as KubeObject, { force: true }, signal);
}

/** Returns once the user of `kubeconfigOf` may do what `right` says. */
export async function untilAllowed(client: KubeClient, namespace: string, right: Right): Promise<void> {
  const { group, resource, verbs } = right;
  const review = {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SubjectAccessReview",
    spec: {
      user: `system:serviceaccount:${namespace}:deployer`,
      resourceAttributes: { namespace, group, resource, verb: verbs[0] },
    },
  };
  await eventually(async () => {
    const { status } = await client.json<{ readonly status: { readonly allowed: boolean } }>(
      {
        method: "POST",
        path: "/apis/authorization.k8s.io/v1/subjectaccessreviews",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(review),
      },
      signal,
    );
    return status.allowed;
  });
}

/** A user of the cluster with the Role `deployer`, and nothing else. @returns the file of a kubeconfig */
export async function kubeconfigOf(client: KubeClient, namespace: string): Promise<string> {
  const rbac = "rbac.authorization.k8s.io";
  const metadata = { name: "deployer", namespace };
  await client.create({ apiVersion: "v1", kind: "ServiceAccount", metadata }, signal);
  await client.create(
    {
      apiVersion: `${rbac}/v1`,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: rbac, kind: "Role", name: "deployer" },
      subjects: [{ kind: "ServiceAccount", name: "deployer", namespace }],
    } as KubeObject,
    signal,
  );
  const { status } = await client.json<{ readonly status: { readonly token: string } }>(
    {
      method: "POST",
      path: `/api/v1/namespaces/${namespace}/serviceaccounts/deployer/token`,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} }),
    },
    signal,
  );
  const authority = (await readFile(clusterVariables.KUBECONFIG!, "utf8")).match(
    /certificate-authority-data: *(\S+)/,
  )?.[1];
  const file = join(tmpdir(), `cortex-deployer-${namespace}`);
  await writeKubeconfig(file, {
    server: client.server,
    ...(authority && { authority: Buffer.from(authority, "base64").toString() }),
    user: { token: status.token },
  });
  return file;
}
