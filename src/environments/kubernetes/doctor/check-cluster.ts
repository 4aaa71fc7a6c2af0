import type { Check } from "../../../core/check.ts";
import { CortexError } from "../../../core/errors.ts";
import type { KubeClient } from "../../../kubernetes/kube-client.ts";
import { addonChecks } from "./addons.ts";
import { clockCheck, namespaceChecks, nodesCheck, registryChecks, userCheck, versionCheck } from "./basics.ts";
import { checkRights } from "./rights.ts";

export interface ClusterDoctorOptions {
  /** Of the environment. */
  readonly name: string;
  readonly namespace?: string;
  readonly registry?: string;
  readonly baseImage: string;
  readonly gateway?: string;
  readonly prometheus?: string;
  readonly now: () => number;
  /** @throws what keeps from connecting */
  connect(signal: AbortSignal): Promise<KubeClient>;
  /** @throws when this machine may not push there */
  checkPush(repository: string, signal: AbortSignal): Promise<void>;
  /** @returns the digest */
  resolveImage(image: string, signal: AbortSignal): Promise<string>;
}

/** A cluster that is well answers in much less; one check that hangs does not hide the others. */
const patienceMs = 15_000;

/** Looks at all that a deploy to the cluster needs. Changes nothing, and fails only when the signal aborts. */
export async function checkCluster(options: ClusterDoctorOptions, signal: AbortSignal): Promise<readonly Check[]> {
  const guarded = guard(signal);
  const fromHere = Promise.all(registryChecks(options).map(({ name, look }) => guarded(name, look)));
  const reached = await reach(options, signal);
  if ("status" in reached) return [reached, ...(await fromHere).flat()];
  await using client = reached.client;
  const namespace = options.namespace ?? client.namespace;
  const groups = await groupsOf(client, signal);
  const checks = await Promise.all([
    guarded("credentials", (until) => userCheck(client, until)),
    guarded("namespace", (until) => namespaceChecks(client, options.name, namespace, until)),
    guarded("rights", (until) => checkRights(client, namespace, until)),
    guarded("nodes", (until) => nodesCheck(client, until)),
    ...addonChecks(client, namespace, groups, options).map(({ name, look }) => guarded(name, look)),
    guarded("clock", async () => clockCheck(reached.serverTime, options.now())),
  ]);
  return [versionCheck(client, reached.version), ...checks.flat(), ...(await fromHere).flat()];
}

type Look = (signal: AbortSignal) => Promise<Check | readonly Check[]>;

/** What goes wrong in a check is what it finds. */
function guard(signal: AbortSignal): (name: string, look: Look) => Promise<readonly Check[]> {
  return async (name, look) => {
    const patience = AbortSignal.timeout(patienceMs);
    try {
      return [await look(AbortSignal.any([signal, patience]))].flat();
    } catch (error) {
      signal.throwIfAborted();
      if (patience.aborted) {
        return [{ name, status: "fail", message: `no answer within ${patienceMs / 1000} s`, fix: "try again" }];
      }
      if (!(error instanceof CortexError)) throw error;
      return [failed(name, error)];
    }
  };
}

export function failed(name: string, { message, hint }: CortexError): Check {
  return { name, status: "fail", message, fix: hint ?? "see the cause above" };
}

interface Reached {
  readonly client: KubeClient;
  readonly version: string;
  /** Of the server's clock, milliseconds since the epoch; undefined when it does not say. */
  readonly serverTime: number | undefined;
}

async function reach({ connect }: ClusterDoctorOptions, signal: AbortSignal): Promise<Reached | Check> {
  const patience = AbortSignal.timeout(patienceMs);
  const either = AbortSignal.any([signal, patience]);
  try {
    const client = await connect(either);
    const { gitVersion } = await client.json<{ gitVersion: string }>({ method: "GET", path: "/version" }, either);
    const { headers, body } = await client.request({ method: "GET", path: "/version" }, either);
    for await (const _ of body);
    const date = headers.date;
    return { client, version: gitVersion, serverTime: date === undefined ? undefined : Date.parse(date) };
  } catch (error) {
    signal.throwIfAborted();
    if (patience.aborted) {
      const message = `no answer within ${patienceMs / 1000} s`;
      return { name: "cluster", status: "fail", message, fix: "is its network reachable from here, a VPN perhaps?" };
    }
    if (!(error instanceof CortexError)) throw error;
    return failed("cluster", error);
  }
}

/** API groups that the cluster serves. */
async function groupsOf(client: KubeClient, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const { groups } = await client.json<{ readonly groups: readonly { readonly name: string }[] }>(
    { method: "GET", path: "/apis" },
    signal,
  );
  return new Set(groups.map(({ name }) => name));
}
