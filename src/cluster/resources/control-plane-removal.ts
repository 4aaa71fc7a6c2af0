import type { Eks } from "../../aws/services/eks.ts";
import { CortexError } from "../../core/errors.ts";
import { poll } from "../../core/graph/poll.ts";
import type { ControlPlane } from "./control-plane.ts";
import { describe, stateOf } from "./control-plane-state.ts";
import { isInUse, orAbsent, type Waiting } from "./eks-calls.ts";
import { tryUntil } from "./try-until.ts";

/** As a rule, in milliseconds. */
export const removeMs = 150_000;
const longestMs = 45 * 60_000;
const mostFailures = 5;

/** With node groups that others made in it: it is not removed while there is any. */
export async function removeCluster(eks: Eks, name: string, doing: Waiting, signal: AbortSignal): Promise<void> {
  const { clock, report } = doing;
  const isBusy = (error: unknown) => isInUse(error) && "waiting until EKS is done with other changes of it";
  await tryUntil({ clock, report, limitMs: longestMs, isWorthAnother: isBusy }, signal, async () => {
    await removeStrangers(eks, name, signal);
    await orAbsent(eks.deleteCluster({ name }, signal));
  });
  let failures = 0;
  await poll(
    async (stop) => {
      const cluster = await describe(eks, name, stop);
      // One that failed is told to be so for a moment after its removal began.
      failures = cluster?.status === "FAILED" ? failures + 1 : 0;
      if (cluster && failures >= mostFailures) throw cannotRemove(stateOf(cluster));
      return cluster === undefined ? true : undefined;
    },
    { clock, until: `the control plane of ${name} is gone`, typicalMs: removeMs, timeoutMs: longestMs },
    signal,
  );
}

async function removeStrangers(eks: Eks, clusterName: string, signal: AbortSignal): Promise<void> {
  const groups = (await orAbsent(eks.listNodegroups({ clusterName }, signal)))?.nodegroups ?? [];
  await Promise.all(
    groups.map(async (nodegroupName) => {
      const group = await orAbsent(eks.describeNodegroup({ clusterName, nodegroupName }, signal));
      if (group?.nodegroup?.status === "DELETING") return;
      await orAbsent(eks.deleteNodegroup({ clusterName, nodegroupName }, signal));
    }),
  );
}

function cannotRemove({ name, issues }: ControlPlane): CortexError {
  return new CortexError(
    "FAILED",
    `EKS could not remove the control plane of ${name}: ${issues || "it says no more"}`,
    {
      hint: "put right what EKS names and run the same command again",
    },
  );
}
