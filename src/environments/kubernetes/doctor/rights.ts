import type { Check } from "../../../core/check.ts";
import { clusterReadRights, deployRights, type Right, roleOf } from "../../../core/rights.ts";
import type { KubeClient } from "../../../kubernetes/kube-client.ts";

/** One verb on one kind of object. */
interface Question {
  readonly right: Right;
  readonly verb: string;
  /** Undefined: in the whole cluster. */
  readonly namespace: string | undefined;
}

/**
 * Asks the API server, for every verb that Cortex uses, whether it is allowed; of kinds that the cluster lacks, too, since
 * otherwise it says "forbidden" where it should say "unknown".
 */
export async function checkRights(client: KubeClient, namespace: string, signal: AbortSignal): Promise<Check> {
  const questions = [...questionsFor(deployRights, namespace), ...questionsFor(clusterReadRights, undefined)];
  const answers = await Promise.all(
    questions.map(async (question) => ({ question, isAllowed: await isAllowed(client, question, signal) })),
  );
  return rightsCheck(
    namespace,
    answers.filter((one) => !one.isAllowed).map(({ question }) => question),
    questions.length,
  );
}

function questionsFor(rights: readonly Right[], namespace: string | undefined): readonly Question[] {
  return rights.flatMap((right) => right.verbs.map((verb) => ({ right, verb, namespace })));
}

async function isAllowed(
  client: KubeClient,
  { right, verb, namespace }: Question,
  signal: AbortSignal,
): Promise<boolean> {
  const [resource, subresource] = right.resource.split("/");
  const body = JSON.stringify({
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    spec: {
      resourceAttributes: {
        group: right.group,
        resource,
        verb,
        ...(subresource !== undefined && { subresource }),
        ...(namespace !== undefined && { namespace }),
      },
    },
  });
  const { status } = await client.json<{ readonly status: { readonly allowed: boolean } }>(
    {
      method: "POST",
      path: "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
      headers: { "content-type": "application/json" },
      body,
    },
    signal,
  );
  return status.allowed;
}

export async function rightsCheck(namespace: string, missing: readonly Question[], asked: number): Promise<Check> {
  const name = "rights";
  const needed = missing.filter(({ right }) => !right.isOptional);
  if (missing.length === 0)
    return { name, status: "ok", message: `all ${asked} verbs that Cortex uses in ${namespace} are allowed` };
  const shown = needed.length > 0 ? needed : missing;
  return {
    name,
    status: needed.length > 0 ? "fail" : "warn",
    message: shown.length <= mostNamed ? lostText(shown) : manyLostText(namespace, shown, asked),
    fix: await fixFor(namespace, missing),
  };
}

/** So many verbs are named one by one; of more, the Role of the fix says which. */
const mostNamed = 10;

function lostText(missing: readonly Question[]): string {
  const lost = [...new Set(missing.map(({ right }) => right.purpose))];
  return `not allowed: ${missing.map(verbText).join(", ")} (needed to ${lost.join(", ")})`;
}

function manyLostText(namespace: string, missing: readonly Question[], asked: number): string {
  const resources = [...new Set(missing.map(({ right }) => right.resource))];
  return `${missing.length} of the ${asked} verbs that Cortex uses in ${namespace} are not allowed, on ${resources.join(", ")}`;
}

function verbText({ verb, right, namespace }: Question): string {
  const group = right.group === "" ? "" : `.${right.group}`;
  return `${verb} ${right.resource}${group}${namespace === undefined ? " in the cluster" : ""}`;
}

async function fixFor(namespace: string, missing: readonly Question[]): Promise<string> {
  const { stringify } = await import("yaml");
  const inNamespace = missing.filter((one) => one.namespace !== undefined);
  const rights = [...Map.groupBy(inNamespace, ({ right }) => right)].map(([right, questions]) => ({
    ...right,
    verbs: questions.map(({ verb }) => verb),
  }));
  const whole = "`cortex cluster install --print-rbac` prints all that is needed";
  if (rights.length === 0) return whole;
  const yaml = stringify(roleOf("cortex-missing", namespace, rights), { lineWidth: 120 }).trimEnd();
  const bind = `kubectl -n ${namespace} create rolebinding cortex-missing --role cortex-missing --user NAME`;
  return `have an administrator apply this Role, and \`${bind}\`; ${whole}\n${yaml}`;
}
