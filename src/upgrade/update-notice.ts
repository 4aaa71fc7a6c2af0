import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { compareVersions, parseVersion } from "../core/program-update.ts";
import { writeAtomically } from "../platform/files.ts";

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

/** @throws NOT_WRITABLE, DISK_FULL */
export async function keepKnownUpdate(home: string, known: KnownUpdate): Promise<void> {
  await writeAtomically(noticeFile(home), `${JSON.stringify(known)}\n`);
}

function noticeFile(home: string): string {
  return join(home, "newest-version.json");
}
