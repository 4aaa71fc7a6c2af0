import type { Aws } from "../aws/aws.ts";
import { answeredAt, awsErrorName } from "../aws/refusal.ts";
import type { S3 } from "../aws/services/s3.ts";
import { CortexError } from "../core/errors.ts";
import { type Clock, Uncertain } from "../core/graph/resource.ts";
import { hasEnded, type ProcessMark } from "./lease-holder.ts";
import { untilKnown } from "./resources/wait.ts";

/** Who holds a lease, as it stands in the bucket. */
interface Holder {
  /** Of this one lease. */
  readonly id: string;
  /** For people: `ann on laptop (arn:aws:iam::123456789012:user/ann)`. */
  readonly who: string;
  /** `cluster up`. */
  readonly what: string;
  /** Milliseconds since the epoch, by the holder's clock. */
  readonly since: number;
  /** How long it holds after it was written, in milliseconds. */
  readonly expiresMs: number;
  /** Makes each writing another object: whoever takes over a lease that was renewed meanwhile is refused. */
  readonly renewals: number;
  readonly process?: ProcessMark;
}

export interface LeaseOptions {
  readonly aws: Aws;
  readonly bucket: string;
  readonly who: string;
  /** The command, e.g. `cluster up`. */
  readonly what: string;
  /** Of this process, so that after its death another one on this machine need not wait. */
  readonly process?: ProcessMark;
  readonly expiresMs?: number;
  /** Says that a dead one's lease is taken over, in one sentence. */
  onTakenOver?(message: string): void;
}

/** The right to change a cluster, for as long as it is held. Disposing gives it back. */
export interface Lease extends AsyncDisposable {
  /** Aborts with a CortexError when it is lost, CONFLICT or NOT_AUTHORISED: whoever changes things must stop. */
  readonly lost: AbortSignal;
  /** Holds on without renewing: for what is about to remove the bucket itself. Before it expires, that must be done. */
  leaveToBucket(): Promise<void>;
  /** It went with its bucket, and need not be given back. */
  wentWithBucket(): void;
}

const key = "lease.json";
/** Long enough for a renewal to get through while AWS refuses half of all calls for being too many. */
const defaultExpiresMs = 180_000;
/** It is renewed so many times in the time it holds. */
const renewalsPerTerm = 9;
/** S3 tells times to the second. */
const grainMs = 2_000;
const tries = 10;
const giveBackMs = 5_000;

/**
 * Takes the lease of a cluster: one command at a time changes it. It expires by S3's own clock, so that clocks here need not agree.
 * @throws CONFLICT naming who holds it; what S3 answers when there is no such bucket (`NoSuchBucket`)
 */
export async function takeLease(options: LeaseOptions, signal: AbortSignal): Promise<Lease> {
  const { aws, bucket, expiresMs = defaultExpiresMs, who, what } = options;
  const store = leaseStore(await aws.s3(), bucket);
  const mine: Holder = {
    id: crypto.randomUUID(),
    who,
    what,
    since: aws.clock.now(),
    expiresMs,
    renewals: 0,
    ...(options.process && { process: options.process }),
  };
  let condition: Condition = { IfNoneMatch: "*" };
  let takenFrom: Standing | undefined;
  for (let attempt = 0; attempt < tries; attempt += 1) {
    // A bucket that was made a moment ago may not be known everywhere yet.
    const write = () => store.write(mine, condition, signal);
    const etag = await untilKnown({ clock: aws.clock, report() {} }, write, signal);
    if (etag !== undefined) {
      if (takenFrom) options.onTakenOver?.(takenOver(takenFrom));
      return holdLease({ store, mine, etag, aws }, options);
    }
    const standing = await store.read(signal);
    if (standing === undefined) {
      condition = { IfNoneMatch: "*" };
      takenFrom = undefined;
      continue;
    }
    const { process } = standing.holder;
    const isOver = standing.ageMs > standing.holder.expiresMs + grainMs || (process && (await hasEnded(process)));
    const isMine = standing.holder.id === mine.id;
    if (!isMine && !isOver) throw held(standing);
    condition = { IfMatch: standing.etag };
    takenFrom = isMine ? takenFrom : standing;
  }
  throw new CortexError("CONFLICT", "others keep taking the lease of this cluster", { hint: "try again in a minute" });
}

interface Held {
  readonly store: LeaseStore;
  readonly mine: Holder;
  readonly etag: string;
  readonly aws: Aws;
}

function holdLease({ store, mine, etag: first, aws }: Held, { expiresMs = defaultExpiresMs }: LeaseOptions): Lease {
  const { clock } = aws;
  const lost = new AbortController();
  const ending = new AbortController();
  let etag = first;

  /** @returns whether it is still held */
  async function renew(count: number, signal: AbortSignal): Promise<boolean> {
    const written = await store.write({ ...mine, renewals: count }, { IfMatch: etag }, signal);
    if (written !== undefined) {
      etag = written;
      return true;
    }
    const standing = await store.read(signal);
    // An earlier renewal whose answer was lost.
    if (standing?.holder.id !== mine.id) return false;
    etag = standing.etag;
    return renew(count, signal);
  }

  async function keepUp(): Promise<void> {
    let renewedAt = clock.now();
    for (let count = 1; ; count += 1) {
      await clock.sleep(expiresMs / renewalsPerTerm, ending.signal);
      const askedAt = clock.now();
      const leftMs = renewedAt + expiresMs - askedAt;
      // It is not cut off when the lease is given back: whether it was carried out would not be known.
      const isHeld = await within(clock, leftMs, (signal) => renew(count, signal)).catch((error: unknown) => {
        // Credentials that end in the middle end everything else, too: that is what to tell.
        if (error instanceof CortexError && error.code === "NOT_AUTHORISED") throw error;
        throw lostTo(mine, "it could not be renewed in time", error);
      });
      if (!isHeld) throw lostTo(mine, "somebody else has taken it over, or removed it");
      renewedAt = askedAt;
    }
  }

  const keeping = keepUp().catch((error: unknown) => {
    if (!ending.signal.aborted) lost.abort(error);
  });
  const end = () => {
    ending.abort();
    return keeping;
  };
  let isGone = false;
  return {
    lost: lost.signal,
    leaveToBucket: end,
    wentWithBucket() {
      isGone = true;
    },
    async [Symbol.asyncDispose]() {
      await end();
      if (isGone || lost.signal.aborted) return;
      // Whoever was stopped gives it back all the same; what fails here expires by itself.
      await giveBack(store, mine, etag, AbortSignal.timeout(giveBackMs)).catch(() => {});
    },
  };
}

async function giveBack(store: LeaseStore, { id }: Holder, etag: string, signal: AbortSignal): Promise<void> {
  if (await store.remove(etag, signal)) return;
  const standing = await store.read(signal);
  if (standing?.holder.id === id) await store.remove(standing.etag, signal);
}

/** Lets something take so long by a clock that need not be the real one. @throws what it throws when it is stopped */
async function within<T>(clock: Clock, ms: number, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = new AbortController();
  const done = new AbortController();
  const timer = clock.sleep(Math.max(0, ms), done.signal).then(
    () => late.abort(new Error("it took too long")),
    () => {},
  );
  try {
    return await ask(late.signal);
  } finally {
    done.abort();
    await timer;
  }
}

type Condition = { readonly IfNoneMatch: "*" } | { readonly IfMatch: string };

/** A lease as it is found. */
interface Standing {
  readonly holder: Holder;
  readonly etag: string;
  /** Since it was written, by S3's clock. */
  readonly ageMs: number;
}

interface LeaseStore {
  /** @returns its tag; undefined when the condition does not hold, or when nobody knows whether it was written */
  write(holder: Holder, condition: Condition, signal: AbortSignal): Promise<string | undefined>;
  /** @returns undefined when there is none */
  read(signal: AbortSignal): Promise<Standing | undefined>;
  /** @returns whether it was still the one of that tag */
  remove(etag: string, signal: AbortSignal): Promise<boolean>;
}

function leaseStore(s3: S3, bucket: string): LeaseStore {
  const place = { Bucket: bucket, Key: key };
  return {
    async write(holder, condition, signal) {
      const object = { ...place, ...condition, Body: JSON.stringify(holder), ContentType: "application/json" };
      try {
        return (await s3.putObject(object, signal)).ETag;
      } catch (error) {
        if (error instanceof Uncertain) return undefined;
        const refused = ["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"];
        if (refused.includes(awsErrorName(error) ?? "")) return undefined;
        throw error;
      }
    },
    async read(signal) {
      try {
        const answer = await s3.getObject(place, signal);
        const writtenAt = answer.LastModified?.getTime() ?? 0;
        const ageMs = (answeredAt(answer) ?? writtenAt) - writtenAt;
        return { holder: parseHolder(await answer.Body?.transformToString()), etag: answer.ETag ?? "", ageMs };
      } catch (error) {
        if (awsErrorName(error) === "NoSuchKey") return undefined;
        throw error;
      }
    },
    async remove(etag, signal) {
      try {
        await s3.deleteObject({ ...place, IfMatch: etag }, signal);
        return true;
      } catch (error) {
        if (awsErrorName(error) === "PreconditionFailed") return false;
        throw error;
      }
    },
  };
}

/** What somebody wrote by hand counts like one that expires. */
function parseHolder(text: string | undefined): Holder {
  const unknown = { id: "", who: "somebody", what: "a command", since: 0, expiresMs: defaultExpiresMs, renewals: 0 };
  try {
    return { ...unknown, ...(JSON.parse(text ?? "") as Partial<Holder>) };
  } catch {
    return unknown;
  }
}

function held({ holder: { who, what, expiresMs, since }, ageMs }: Standing): CortexError {
  const seconds = Math.max(1, Math.ceil((expiresMs + grainMs - ageMs) / 1_000));
  const from = since > 0 ? `, since ${new Date(since).toISOString().slice(0, 19)}Z` : "";
  return new CortexError("CONFLICT", `${who} is changing this cluster (cortex ${what}${from})`, {
    hint: `try again when it is done; if it was killed on another machine, ${seconds} seconds from now`,
  });
}

function takenOver({ holder: { who, what }, ageMs }: Standing): string {
  return `cortex ${what} of ${who} has ended without giving its lease back (last heard of ${Math.round(ageMs / 1_000)} s ago): going on from what it left`;
}

function lostTo({ what }: Holder, why: string, cause?: unknown): CortexError {
  return new CortexError("CONFLICT", `the lease of the cluster is lost: ${why}`, {
    hint: `run cortex ${what} again when no other command changes the cluster: it goes on from here`,
    cause,
  });
}
