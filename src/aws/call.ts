import { type Clock, Uncertain } from "../core/graph/resource.ts";
import { untilAborted } from "../core/streams.ts";
import { isKnownRegion } from "../spec/regions.ts";
import { type Asked, awsError } from "./aws-error.ts";
import type { AwsCredentials, CredentialSource } from "./credentials.ts";
import type { CallLimiter } from "./limiter.ts";
import { awsErrorName, isUnresolved, isUntrusted, type Refusal, refusalOf } from "./refusal.ts";
import type { Effect } from "./service.ts";

/** What all calls of an account share. */
export interface CallRules {
  readonly clock: Clock;
  random(): number;
  readonly limiter: CallLimiter;
  readonly credentials: CredentialSource;
  /** How long a call is tried again while AWS throttles it or does not answer, in milliseconds. */
  readonly retryForMs: number;
  /** Told of each try of a call, before it is sent; what it returns is disposed of at its end. */
  onTry?(asked: Asked): Disposable;
  /** Set by the first answer: before it, that nothing answers is told soon. */
  hasAnswered: boolean;
}

export interface Call<Output> {
  readonly asked: Asked;
  readonly effect: Effect;
  /** What calls are throttled by: `us-east-1/ec2`. */
  readonly lane: string;
  send(signal: AbortSignal): Promise<Output>;
}

/** Without a network it would be the same in a minute. */
const firstRetryForMs = 8_000;
const shortestWaitMs = 200;
const longestWaitMs = 10_000;

/**
 * Sends a call until it is answered for good.
 * @throws CortexError; Uncertain when it may have been done and doing it again would do it twice, or when an earlier try of it
 * seems to have made what now exists; the reason of `signal`
 */
export async function sendUntilAnswered<Output>(
  call: Call<Output>,
  rules: CallRules,
  signal: AbortSignal,
): Promise<Output> {
  const { clock, credentials } = rules;
  const startedAt = clock.now();
  let isInDoubt = false;
  let signedAnew = 0;
  for (let tries = 0; ; tries += 1) {
    const outcome = await sendOnce(call, rules, signal);
    if ("answer" in outcome) return outcome.answer;
    const { error, refusal, used } = outcome;
    if ((refusal === "skewed" || refusal === "unaccepted") && signedAnew < 3) {
      signedAnew += 1;
      // The SDK has set its clock by the answer. EC2 says of old credentials what it says of an old date: it may be both.
      const mayBeOld = refusal === "unaccepted" || signedAnew > 1;
      const isRenewed = mayBeOld && used !== undefined && (await renewed(credentials, used, call.asked));
      if (refusal === "skewed" || isRenewed) continue;
    }
    const failure = awsError(error, refusal, call.asked);
    const mayBeDone = refusal === "lost" || refusal === "failing";
    if (mayBeDone && call.effect === "once") throw new Uncertain(failure);
    isInDoubt ||= mayBeDone;
    const soFar = { tries, elapsedMs: clock.now() - startedAt, error, region: call.asked.region };
    const waitMs = waitBefore(refusal, soFar, rules);
    if (waitMs === undefined) throw isInDoubt && isMadeAlready(call.asked, error) ? new Uncertain(failure) : failure;
    if (waitMs > 0) await clock.sleep(waitMs, signal);
  }
}

type Outcome<Output> =
  | { readonly answer: Output }
  | {
      readonly error: unknown;
      readonly refusal: Refusal;
      readonly used: AwsCredentials | undefined;
    };

async function sendOnce<Output>(
  { asked, lane, send }: Call<Output>,
  rules: CallRules,
  signal: AbortSignal,
): Promise<Outcome<Output>> {
  using turn = await rules.limiter.enter(lane, signal);
  using _told = rules.onTry?.(asked);
  let used: AwsCredentials | undefined;
  try {
    used = await untilAborted(rules.credentials.current(), signal);
    const answer = await send(signal);
    rules.hasAnswered = true;
    turn.answered();
    return { answer };
  } catch (error) {
    signal.throwIfAborted();
    const refusal = refusalOf(error);
    if (refusal === "throttled") turn.throttled();
    else if (!["unsent", "lost", "missing"].includes(refusal)) turn.answered();
    rules.hasAnswered ||= awsErrorName(error) !== undefined;
    return { error, refusal, used };
  }
}

/** @throws CortexError when there are no credentials any more */
async function renewed(credentials: CredentialSource, used: AwsCredentials, asked: Asked): Promise<boolean> {
  try {
    return await credentials.renew(used);
  } catch (error) {
    throw awsError(error, "missing", asked);
  }
}

interface SoFar {
  readonly tries: number;
  readonly elapsedMs: number;
  readonly error: unknown;
  readonly region: string;
}

/** @returns milliseconds; undefined: another try would change nothing, or there was time enough for it */
function waitBefore(
  refusal: Refusal,
  { tries, elapsedMs, error, region }: SoFar,
  rules: CallRules,
): number | undefined {
  const isAgain = ["throttled", "busy", "unsent", "lost", "failing"].includes(refusal);
  const forMs = rules.hasAnswered ? rules.retryForMs : Math.min(firstRetryForMs, rules.retryForMs);
  // Whatever others have answered: a slip is none in a minute, either.
  const isNowhere = isUnresolved(error) && !isKnownRegion(region);
  if (!isAgain || isNowhere || isUntrusted(error) || elapsedMs >= forMs) return undefined;
  // The limiter holds back all that share what was throttled.
  if (refusal === "throttled") return 0;
  return Math.min(longestWaitMs, shortestWaitMs * 2 ** tries) * (0.5 + 0.5 * rules.random());
}

function isMadeAlready({ action }: Asked, error: unknown): boolean {
  const isMaking = /:(Create|Allocate|Put|Associate|Attach)/.test(action);
  return isMaking && /Already|InUse|Duplicate|Conflict|Exists/.test(awsErrorName(error) ?? "");
}
