import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { compareVersions, parseVersion } from "../core/program-update.ts";
import { makePrivateFolder, writeAtomically } from "../platform/files.ts";
import { takeLock } from "../platform/lock.ts";
import { waitForLock } from "../platform/wait-for-lock.ts";

const dayMs = 24 * 3600 * 1000;

/** What is known of newer versions; kept in the file of `noticeFile`. Times are milliseconds since the epoch. */
export interface KnownUpdate {
  readonly askedAt?: number;
  readonly toldAt?: number;
  readonly newest?: string;
}

export interface NoticePlan {
  /** To be told now. */
  readonly newer: string | undefined;
  /** It has to be asked again, in the background: what is found is told another time. */
  readonly asks: boolean;
  /** What is to be kept, unless it is as it was. */
  readonly known: KnownUpdate;
}

/** Decides what a command that has ended does about newer versions; each of both at most once a day. */
export function planNotice(known: KnownUpdate, version: string, now: number): NoticePlan {
  const isOver = (at: number | undefined) => at === undefined || at > now || now - at >= dayMs;
  const isNewer = known.newest !== undefined && compareVersions(known.newest, version) > 0;
  const newer = isNewer && isOver(known.toldAt) ? known.newest : undefined;
  const asks = isOver(known.askedAt);
  return {
    newer,
    asks,
    known: { ...known, ...(newer !== undefined && { toldAt: now }), ...(asks && { askedAt: now }) },
  };
}

/** @returns what `home` keeps; nothing where there is nothing, or nothing that can be read */
export async function readKnownUpdate(home: string): Promise<KnownUpdate> {
  try {
    const { askedAt, toldAt, newest } = JSON.parse(await readFile(noticeFile(home), "utf8")) as KnownUpdate;
    return {
      ...(typeof askedAt === "number" && { askedAt }),
      ...(typeof toldAt === "number" && { toldAt }),
      ...(typeof newest === "string" && parseVersion(newest) !== undefined && { newest }),
    };
  } catch {
    return {};
  }
}

/**
 * Decides likewise, once for all commands that end at the same time, and keeps that it was decided: before anything is asked, so that a
 * network that is away is not asked by every command.
 * @returns what is to be told, and whether to ask; neither where another process is at it
 * @throws NOT_WRITABLE, DISK_FULL
 */
export async function claimNotice(
  home: string,
  version: string,
  now: number,
): Promise<Pick<NoticePlan, "newer" | "asks">> {
  const plan = planNotice(await readKnownUpdate(home), version, now);
  if (!plan.asks && plan.newer === undefined) return plan;
  await makePrivateFolder(home);
  const lock = takeLock(lockFile(home));
  if (!lock) return { newer: undefined, asks: false };
  try {
    const { newer, asks, known } = planNotice(await readKnownUpdate(home), version, now);
    await keepKnownUpdate(home, known);
    return { newer, asks };
  } finally {
    lock.release();
  }
}

/** Keeps what was found. @throws NOT_WRITABLE, DISK_FULL, and the reason of `signal` */
export async function keepNewest(home: string, newest: string, signal: AbortSignal): Promise<void> {
  await makePrivateFolder(home);
  using _lock = await waitForLock(lockFile(home), signal);
  await keepKnownUpdate(home, { ...(await readKnownUpdate(home)), newest });
}

async function keepKnownUpdate(home: string, known: KnownUpdate): Promise<void> {
  await writeAtomically(noticeFile(home), `${JSON.stringify(known)}\n`);
}

function lockFile(home: string): string {
  return join(home, "newest-version.lock");
}

function noticeFile(home: string): string {
  return join(home, "newest-version.json");
}
