import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";

/**
 * Log files of an API, in a folder of its own: `<revision>.<replica>.<number>.jsonl` for what a replica printed, and
 * `access.<number>.jsonl` for the requests of all. Numbers count up; the highest one is written, the others are whole.
 */
export interface Channel {
  /** File name without number and ending. */
  readonly name: string;
  /** Undefined for the channel of requests. */
  readonly replica?: string;
  readonly revision?: number;
  readonly files: readonly ChannelFile[];
}

export interface ChannelFile {
  readonly number: number;
  readonly path: string;
}

export const accessChannel = "access";

export function replicaChannel(revision: number, replica: string): string {
  return `${revision}.${replica}`;
}

export function channelPath(folder: string, channel: string, number: number): string {
  return join(folder, `${channel}.${number}.jsonl`);
}

/** @returns the channels in `folder`, each with its files, oldest first; none when there is no such folder */
export async function listChannels(folder: string): Promise<Channel[]> {
  const channels = new Map<string, { replica?: string; revision?: number; files: ChannelFile[] }>();
  for (const file of await filesIn(folder)) {
    const match = /^(access|(\d+)\.([\w-]+))\.(\d+)\.jsonl$/.exec(file);
    if (!match) continue;
    const [, name, revision, replica, number] = match;
    const channel = channels.get(name!) ?? { ...(replica && { replica, revision: Number(revision) }), files: [] };
    channels.set(name!, channel);
    channel.files.push({ number: Number(number), path: join(folder, file) });
  }
  return [...channels].map(([name, { files, ...rest }]) => ({
    name,
    ...rest,
    files: files.toSorted((a, b) => a.number - b.number),
  }));
}

export interface Room {
  /** Most channels of replicas that are gone. */
  readonly channels: number;
  readonly bytes: number;
}

/** Removes the oldest of those `channels` that nobody writes any more, until the rest fits into `room`. */
export async function pruneChannels(channels: readonly Channel[], room: Room): Promise<void> {
  const sized = await Promise.all(
    channels.map(async ({ files }) => {
      const stats = await Promise.all(files.map(({ path }) => stat(path).catch(() => undefined)));
      return {
        files,
        bytes: stats.reduce((sum, one) => sum + (one?.size ?? 0), 0),
        writtenAt: Math.max(0, ...stats.map((one) => one?.mtimeMs ?? 0)),
      };
    }),
  );
  let bytes = 0;
  for (const [index, channel] of sized.toSorted((a, b) => b.writtenAt - a.writtenAt).entries()) {
    bytes += channel.bytes;
    if (index < room.channels && bytes <= room.bytes) continue;
    await Promise.all(channel.files.map(({ path }) => rm(path, { force: true }).catch(() => {})));
  }
}

async function filesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch {
    return [];
  }
}
