import { randomUUID } from "node:crypto";
import type { Update } from "@aws-sdk/client-eks";
import { awsErrorMessage, awsErrorName } from "../../aws/refusal.ts";
import type { Eks } from "../../aws/services/eks.ts";
import { CortexError } from "../../core/errors.ts";
import { poll } from "../../core/graph/poll.ts";
import { type Doing, Uncertain } from "../../core/graph/resource.ts";
import { tryUntil } from "./try-until.ts";

export type Waiting = Omit<Doing, "states">;

/** Of EKS: what it says is wrong with something of its own. */
interface Issue {
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  readonly resourceIds?: readonly string[] | undefined;
}

const minuteMs = 60_000;
/** An update of EKS may drain nodes one after another. */
const longestUpdateMs = 120 * minuteMs;
/** Somebody else's update of the same thing ends some time. */
const longestBusyMs = 60 * minuteMs;

/** @returns what the call gives; undefined when EKS knows no such thing, or no such cluster */
export async function orAbsent<Output>(call: Promise<Output>): Promise<Output | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

export function isAbsent(error: unknown): boolean {
  const name = awsErrorName(error);
  if (name === "ResourceNotFoundException") return true;
  return name === "ClientException" && /^No cluster found/.test(awsErrorMessage(error) ?? "");
}

/** It exists already, or something else is being done to it. */
export function isInUse(error: unknown): boolean {
  return awsErrorName(error) === "ResourceInUseException";
}

/**
 * Makes something that has a name of its own.
 * @throws CONFLICT with `taken` when there is one of that name: the caller of `create` looks for it then
 */
export async function makeNamed<Output>(make: () => Promise<Output>, taken: string, hint: string): Promise<Output> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof Uncertain || !isInUse(error)) throw error;
    throw new CortexError("CONFLICT", taken, { hint, cause: error });
  }
}

/**
 * EKS has not heard of a role, or of its rights, for some seconds after IAM was told of them. It says so as if it never would.
 * @returns what is waited for
 */
export function awaitsRole(error: unknown): string | false {
  const name = awsErrorName(error);
  if (name !== "InvalidParameterException" && name !== "InvalidRequestException") return false;
  const isRole =
    /role.*(does not exist|could not be assumed|not (?:yet )?authori[sz]ed)|could not be assumed|Error in role params|doesn't have the Amazon EKS Managed Policies|IAM role's policy must include|trusted entity is not correct|instance ?profile.*(?:not found|does not exist)/is;
  return isRole.test(awsErrorMessage(error) ?? "") && "waiting until EKS has heard of the IAM role";
}

export interface Updated {
  readonly cluster: string;
  readonly nodeGroup?: string;
  readonly addon?: string;
}

export interface Change {
  /** With a token by which EKS knows that it was asked the same before. */
  ask(clientRequestToken: string): Promise<{ readonly update?: Update | undefined }>;
  /** Looked up before it is asked again: the first time it may have begun, though EKS refused it, or its answer was lost. */
  isDone(): Promise<boolean>;
}

/**
 * Asks EKS to change something, which it does one change at a time, and waits until it is done.
 * @throws CortexError with what EKS says when it fails
 */
export async function update(
  eks: Eks,
  of: Updated & { readonly what: string; readonly typicalMs: number },
  { ask, isDone }: Change,
  { clock, report }: Waiting,
  signal: AbortSignal,
): Promise<void> {
  const token = randomUUID();
  let tries = 0;
  const attempt = async () => {
    tries += 1;
    return tries > 1 && (await isDone()) ? undefined : unlessSame(ask(token));
  };
  const isBusy = (error: unknown) =>
    !(error instanceof Uncertain) && isInUse(error) && "waiting until EKS is done with another change of it";
  const begun = await tryUntil(
    { clock, report, limitMs: longestBusyMs, isWorthAnother: (error) => isBusy(error) || awaitsRole(error) },
    signal,
    attempt,
  );
  const updateId = begun?.id;
  if (updateId === undefined) return;
  const names = {
    name: of.cluster,
    ...(of.nodeGroup !== undefined && { nodegroupName: of.nodeGroup }),
    ...(of.addon !== undefined && { addonName: of.addon }),
  };
  await poll(
    async (stop) => {
      const { update: now } = await eks.describeUpdate({ ...names, updateId }, stop);
      if (now?.status === "Failed" || now?.status === "Cancelled") throw updateFailed(of.what, now);
      return now?.status === "Successful" ? true : undefined;
    },
    { clock, until: `${of.what} is changed`, typicalMs: of.typicalMs, timeoutMs: longestUpdateMs },
    signal,
  );
}

/** EKS refuses to change something to what it is. */
async function unlessSame(asked: ReturnType<Change["ask"]>): Promise<Update | undefined> {
  try {
    return (await asked).update;
  } catch (error) {
    const isSame = /already at the desired|No changes needed|already (?:has|at) (?:the )?(?:version|configuration)/i;
    if (awsErrorName(error)?.startsWith("Invalid") && isSame.test(awsErrorMessage(error) ?? "")) return undefined;
    throw error;
  }
}

function updateFailed(what: string, { errors = [], type }: Update): CortexError {
  const details = issuesText(
    errors.map(({ errorCode, errorMessage, ...rest }) => ({ code: errorCode, message: errorMessage, ...rest })),
  );
  const isHeld = errors.some(({ errorCode }) => errorCode === "PodEvictionFailure");
  return new CortexError(
    "FAILED",
    `${what} could not be changed (${type ?? "update"}): ${details || "EKS says no more"}`,
    {
      hint: isHeld
        ? "a pod disruption budget keeps pods where they are: see `kubectl get pdb -A`, then run the same command again"
        : "put right what EKS names, then run the same command again",
    },
  );
}

/** @returns all of `issues` in a line; empty when there are none */
export function issuesText(issues: readonly Issue[] = []): string {
  const texts = issues.map(({ code, message, resourceIds = [] }) => {
    const named = resourceIds.filter((id) => !message?.includes(id));
    const text = (message ?? "").trim().replace(/\.$/, "");
    return `${[code, text].filter(Boolean).join(": ")}${named.length > 0 ? ` (${named.slice(0, 3).join(", ")})` : ""}`;
  });
  return [...new Set(texts)].join("; ");
}
