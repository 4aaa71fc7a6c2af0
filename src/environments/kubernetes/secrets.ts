import type { PullCredentials } from "../../image/image.ts";
import { type KubeObject, type OwnerReference, resource } from "../../kubernetes/objects.ts";
import { nameOf } from "./names.ts";
import type { RevisionRecord } from "./revision-record.ts";
import { labelsOf } from "./revisions.ts";
import type { VariableValues } from "./variables.ts";

interface Secret extends KubeObject {
  readonly type: string;
  readonly data: Readonly<Record<string, string>>;
}

/** Values of environment variables, from which alone containers get them. */
export function variablesSecret(
  namespace: string,
  record: RevisionRecord,
  values: VariableValues,
  owner: OwnerReference | undefined,
): KubeObject {
  return secret(namespace, nameOf.variables(record.spec.name, record.id), "Opaque", values, record, owner);
}

/** What kubelet pulls the API's image with. */
export function pullSecret(
  namespace: string,
  record: RevisionRecord,
  { registry, username, password }: PullCredentials,
  owner: OwnerReference | undefined,
): KubeObject {
  const auth = Buffer.from(`${username}:${password}`).toString("base64");
  const config = { auths: { [registry]: { username, password, auth } } };
  const data = { ".dockerconfigjson": JSON.stringify(config) };
  return secret(namespace, nameOf.pullSecret(record.spec.name), "kubernetes.io/dockerconfigjson", data, record, owner);
}

function secret(
  namespace: string,
  name: string,
  type: string,
  values: Readonly<Record<string, string>>,
  record: RevisionRecord,
  owner: OwnerReference | undefined,
): Secret {
  return {
    apiVersion: resource.secret.apiVersion,
    kind: resource.secret.kind,
    metadata: { name, namespace, labels: labelsOf(record), ...(owner && { ownerReferences: [owner] }) },
    type,
    data: Object.fromEntries(
      Object.entries(values).map(([key, value]) => [key, Buffer.from(value).toString("base64")]),
    ),
  };
}
