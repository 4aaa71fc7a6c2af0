import type { ErrorContext } from "../core/errors.ts";
import { KubeError } from "./kube-error.ts";

/** What was asked of the server, as its rules of roles name it. */
export interface Asked {
  /** get, list, watch, create, patch, update, delete; for other requests the method. */
  readonly verb: string;
  /** "" for the core group. */
  readonly group?: string;
  /** Plural, with a subresource behind a slash; without it `path` says what was asked. */
  readonly resource?: string;
  readonly kind?: string;
  readonly namespace?: string | undefined;
  readonly name?: string;
  readonly path: string;
  readonly context: string;
  /** Whether an earlier try may have been carried out. */
  readonly isAfterLostReply?: boolean;
  readonly strangerHint?: string;
}

/** The body of a refusal. */
export interface Status {
  readonly kind?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly code?: number;
  readonly details?: {
    readonly name?: string;
    readonly kind?: string;
    readonly causes?: readonly { readonly field?: string; readonly message?: string; readonly reason?: string }[];
    readonly retryAfterSeconds?: number;
  };
}

/** @returns what the server said; a body that is no Status (a proxy's page, say) becomes one in short */
export function readStatus(httpStatus: number, body: string): Status {
  try {
    const value = JSON.parse(body) as Status;
    if (value && typeof value === "object" && value.kind === "Status") return value;
  } catch {
    // Told below.
  }
  const text = /<html|<!doctype/i.test(body) ? "" : body.trim().split("\n")[0]!.slice(0, 300);
  return { message: text || `HTTP status ${httpStatus}` };
}

/** What a person reads of an answer that is no success. */
export function refusal(httpStatus: number, status: Status, asked: Asked): KubeError {
  const text = status.message || `HTTP status ${httpStatus}`;
  const reason = status.reason ?? "";
  const error = (code: KubeError["code"], message: string, context: ErrorContext = {}) =>
    new KubeError(code, message, httpStatus, reason, { ...context, isAfterLostReply: asked.isAfterLostReply ?? false });
  const what = describe(asked);
  switch (httpStatus) {
    case 401:
      return error(
        "NOT_AUTHORISED",
        `the cluster ${asked.strangerHint ? "" : "of context "}${asked.context} does not accept the credentials: ${what}`,
        {
          hint: asked.strangerHint ?? "they may have expired: log in again, or get a new kubeconfig from your cluster",
        },
      );
    case 403:
      return forbidden(text, asked, what, error);
    case 404:
      return notFound(status, asked, what, error);
    case 405:
      return error("CLUSTER_REFUSED", `the cluster does not let ${what}: ${text}`);
    case 409:
      return error("CONFLICT", `${what}: ${text}`, conflictHint(reason));
    case 413:
      return error("CLUSTER_REFUSED", `${what}: the object is too large for the cluster`);
    case 422:
      return invalid(status, asked, what, error);
    case 429:
      return error("CLUSTER_REFUSED", `${what}: the cluster has too much to do`, { hint: "try again later" });
  }
  if (text.includes("failed calling webhook")) {
    const name = /webhook "([^"]+)"/.exec(text)?.[1];
    return error("CLUSTER_REFUSED", `${what}: the admission webhook ${name ?? ""} does not answer: ${text}`, {
      hint: "bring back what runs it, or remove its webhook configuration",
    });
  }
  if (httpStatus === 400 && text.includes("admission webhook")) return denied(text, what, error);
  return error("CLUSTER_REFUSED", `${what}: ${text}`);
}

type Make = (code: KubeError["code"], message: string, context?: ErrorContext) => KubeError;

function forbidden(text: string, asked: Asked, what: string, error: Make): KubeError {
  const quota = /exceeded quota: ([^,]+), requested: (.+), used: (.+), limited: (.+)$/.exec(text);
  if (quota) {
    const [, name, requested, used, limited] = quota;
    return error(
      "NO_CAPACITY",
      `${what}: the quota ${name}${inNamespace(asked)} is used up: asked for ${requested}, used ${used}, limit ${limited}`,
      { hint: `ask for less, or raise it: \`kubectl edit resourcequota ${name}${flag(asked)}\`` },
    );
  }
  if (text.includes("failed quota:")) {
    return error("CLUSTER_REFUSED", `${what}: ${text.slice(text.indexOf("failed quota:"))}`, {
      hint: "the quota wants these said for every container: set them under compute",
    });
  }
  if (/violates PodSecurity/.test(text)) {
    return error(
      "CLUSTER_REFUSED",
      `${what}: Pod Security forbids it: ${text.slice(text.indexOf("violates PodSecurity"))}`,
      {
        hint: asked.namespace
          ? `change the pod, or the namespace's level: \`kubectl label namespace ${asked.namespace} pod-security.kubernetes.io/enforce=baseline --overwrite\``
          : "change the pod, or its namespace's level",
      },
    );
  }
  if (/admission webhook|ValidatingAdmissionPolicy|admission controller/.test(text)) return denied(text, what, error);
  if (text.includes("because it is being terminated")) {
    return error("CONFLICT", `${what}: the namespace ${asked.namespace} is being deleted`, {
      hint: "wait until it is gone",
    });
  }
  if (/is forbidden: (exceeded|maximum|minimum|pods with|no )/.test(text))
    return error("CLUSTER_REFUSED", `${what}: ${text}`);
  return missingRight(text, asked, what, error);
}

/** The server's own words say best which right is missing. */
function missingRight(text: string, asked: Asked, what: string, error: Make): KubeError {
  const user = /User "([^"]+)"/.exec(text)?.[1];
  const [, verb = asked.verb, resource = asked.resource, group = asked.group ?? "", namespace = asked.namespace] =
    /cannot (\S+) resource "([^"]+)" in API group "([^"]*)"(?: in the namespace "([^"]+)")?/.exec(text) ?? [];
  return error("NOT_AUTHORISED", `${user ? `${user} may not` : "you may not"} ${what}`, {
    hint: resource
      ? `needed: a ${namespace ? `Role in namespace ${namespace}` : "ClusterRole"} with {apiGroups: ["${group}"], resources: ["${resource}"], verbs: ["${verb}"]}`
      : `needed: a ClusterRole with {nonResourceURLs: ["${asked.path.split("?")[0]}"], verbs: ["${asked.verb.toLowerCase()}"]}`,
    ...(user ? {} : { details: text }),
  });
}

function denied(text: string, what: string, error: Make): KubeError {
  const webhook = /admission webhook "([^"]+)" denied the request:? ?(.*)$/s.exec(text);
  if (webhook)
    return error(
      "CLUSTER_REFUSED",
      `${what}: the admission webhook ${webhook[1]} refused it: ${webhook[2] || "no reason given"}`,
    );
  const policy = /ValidatingAdmissionPolicy '([^']+)'(?: with binding '([^']+)')? denied request: (.*)$/s.exec(text);
  if (policy) return error("CLUSTER_REFUSED", `${what}: the admission policy ${policy[1]} refused it: ${policy[3]}`);
  return error("CLUSTER_REFUSED", `${what}: ${text}`);
}

function notFound(status: Status, asked: Asked, what: string, error: Make): KubeError {
  const { kind, name } = status.details ?? {};
  if (asked.namespace && kind === "namespaces" && name === asked.namespace && asked.resource !== "namespaces") {
    return error("CLUSTER_REFUSED", `there is no namespace ${name} in the cluster of context ${asked.context}`, {
      hint: `make it: \`kubectl create namespace ${name}\`, or choose another: \`cortex env configure NAME --namespace NAMESPACE\``,
    });
  }
  if (asked.kind && !name) {
    return error(
      "CLUSTER_REFUSED",
      `the cluster of context ${asked.context} does not know the kind ${asked.kind}${asked.group ? ` of ${asked.group}` : ""}`,
      {
        hint: "what brings it is not installed, or in another version",
      },
    );
  }
  return error("CLUSTER_REFUSED", `${what}: ${status.message || "there is no such thing"}`);
}

function invalid({ message = "", details }: Status, asked: Asked, what: string, error: Make): KubeError {
  if (/ValidatingAdmissionPolicy/.test(message)) return denied(message, what, error);
  const causes = (details?.causes ?? []).filter(({ message: text }) => text);
  if (causes.length === 0) return error("CLUSTER_REFUSED", `${what}: ${message || `the ${asked.kind} is not valid`}`);
  const seen = [
    ...new Set(causes.map(({ field, message: text }) => (field && field !== "<nil>" ? `${field}: ${text}` : text!))),
  ];
  const problems = seen.length > 1 ? { problems: seen.map((text) => ({ message: text })) } : {};
  return error(
    "CLUSTER_REFUSED",
    `${what}: ${seen.length > 1 ? `${seen.length} fields are not valid` : seen[0]}`,
    problems,
  );
}

function conflictHint(reason: string): ErrorContext {
  return reason === "AlreadyExists" ? {} : { hint: "somebody changed it meanwhile: try again" };
}

/** e.g. "list deployments.apps in namespace models", "patch deployments.apps iris in namespace models". */
function describe(asked: Asked): string {
  if (!asked.resource) return `${asked.verb} ${asked.path.split("?")[0]}`;
  const resource = `${asked.resource}${asked.group ? `.${asked.group}` : ""}`;
  return `${asked.verb} ${resource}${asked.name ? ` ${asked.name}` : ""}${inNamespace(asked)}`;
}

function inNamespace({ namespace }: Asked): string {
  return namespace ? ` in namespace ${namespace}` : "";
}

function flag({ namespace }: Asked): string {
  return namespace ? ` -n ${namespace}` : "";
}
