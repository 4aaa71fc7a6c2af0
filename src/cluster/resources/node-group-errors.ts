import { awsErrorMessage } from "../../aws/refusal.ts";
import { CortexError } from "../../core/errors.ts";
import type { NodeGroup } from "./node-group.ts";

/** EKS tries out in the caller's name to start instances, and hides in its answer that a right is missing. */
export async function explained<Output>(call: Promise<Output>): Promise<Output> {
  try {
    return await call;
  } catch (error) {
    if (!/not authorized to (?:launch|use).*launch template/i.test(awsErrorMessage(error) ?? "")) throw error;
    throw new CortexError("NOT_AUTHORISED", "you may not start instances from the launch template of the node group", {
      hint: "ask for the rights ec2:RunInstances and ec2:CreateTags; `cortex cluster iam-policy` prints all that a command needs",
      cause: error,
    });
  }
}

export function failed({ name, issues, status }: NodeGroup, trouble: string): CortexError {
  return new CortexError("FAILED", `node group ${name}: ${trouble || issues || status}`, {
    hint: "put right what AWS names and run the same command again: the failed one is removed and made anew",
  });
}

export function gone(name: string): CortexError {
  return new CortexError("CONFLICT", `node group ${name} is being removed by somebody else`, {
    hint: "run the same command again when it is gone",
  });
}

export function cannotRemove({ name, issues }: NodeGroup): CortexError {
  return new CortexError("FAILED", `EKS could not remove node group ${name}: ${issues || "it says no more"}`, {
    hint: "put right what EKS names and run the same command again",
  });
}
