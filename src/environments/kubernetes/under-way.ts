import { CortexError } from "../../core/errors.ts";
import type { Anchor } from "./anchor.ts";
import { templateRevision } from "./api-states.ts";
import type { Deployment } from "./shapes.ts";

/** What was killed between its first write and the others is given up after this. */
const longestApplyMs = 60_000;

/** Whether an update that may still succeed is under way: `force` is needed to take it over. */
export function isUnderWay(anchor: Anchor, deployment: Deployment | undefined, isDone: boolean, now: number): boolean {
  const { rollout, record, failure } = anchor;
  if (!rollout || failure || anchor.isBeingDeleted || now > Date.parse(rollout.deadline)) return false;
  const isApplied = deployment !== undefined && templateRevision(deployment) === record.number;
  if (isApplied) return !isDone;
  return anchor.serving !== record.number && now - Date.parse(rollout.startedAt) < longestApplyMs;
}

export function isUpdating({ name, record, rollout }: Anchor, now: number, inEnv: string): CortexError {
  const by = rollout?.by ?? record.createdBy;
  const since = Math.max(0, Math.round((now - Date.parse(rollout?.startedAt ?? record.createdAt)) / 1000));
  return new CortexError("CONFLICT", `${name} is updating: revision ${record.number} by ${by}, since ${since} s`, {
    hint: `wait for it with \`cortex get ${name} -w${inEnv}\`, or override it with --force`,
  });
}
