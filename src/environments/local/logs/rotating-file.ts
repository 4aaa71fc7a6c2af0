import { type FileHandle, open, readdir, rm } from "node:fs/promises";
import { makePrivateFolder } from "../../../platform/files.ts";
import { channelPath } from "./channels.ts";

export interface RotatingFileOptions {
  readonly folder: string;
  readonly channel: string;
  readonly maxFileBytes: number;
  readonly maxFiles: number;
  /** After lines have reached the disk. */
  readonly onWritten: () => void;
  /** The first write that fails; then silence until one works again. */
  readonly onTrouble: (error: unknown) => void;
  /** A write works again after `lines` were lost. */
  readonly onRecovered: (lines: number) => void;
}

/** Lines gather this long before they are written together. */
const gatherMs = 20;
/** Waiting bytes from which the writer is asked to pause. */
const fullBytes = 1024 * 1024;
/** Waiting bytes from which lines are lost: nobody paused, e.g. because they are access lines. */
const lossBytes = 8 * fullBytes;

/**
 * Appends lines to numbered files of bounded size and count, many lines to a write. It never throws and never refuses:
 * what a full or broken disk does not take is counted and lost, so that logging ends nobody.
 */
export class RotatingFile {
  readonly #options: RotatingFileOptions;
  #waiting: { text: string; bytes: number }[] = [];
  #waitingBytes = 0;
  #lost = 0;
  #inTrouble = false;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #drained: PromiseWithResolvers<void> | undefined;
  #file: { handle: FileHandle; number: number; bytes: number } | undefined;
  #closed = false;

  constructor(options: RotatingFileOptions) {
    this.#options = options;
  }

  /** @param line with its line break */
  append(line: string): void {
    if (this.#closed || this.#waitingBytes >= lossBytes) {
      this.#lost += 1;
      return;
    }
    const bytes = Buffer.byteLength(line);
    this.#waiting.push({ text: line, bytes });
    this.#waitingBytes += bytes;
    if (this.#waitingBytes >= fullBytes) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), gatherMs);
  }

  get isFull(): boolean {
    return this.#waitingBytes >= fullBytes;
  }

  /** @returns when less waits than what makes it full */
  drained(): Promise<void> {
    if (!this.isFull) return Promise.resolve();
    this.#drained ??= Promise.withResolvers();
    return this.#drained.promise;
  }

  /** Writes what waits. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#writing && this.#waiting.length > 0) this.#writing = this.#writeAll();
    return this.#writing ?? Promise.resolve();
  }

  /** Writes what waits; lines that come later are lost. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.flush();
    await this.#closeFile();
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const { lines, text } = this.#takeBatch();
      try {
        await this.#write(Buffer.from(text));
        this.#recover();
        this.#options.onWritten();
      } catch (error) {
        await this.#fail(error, lines);
      }
      if (this.isFull) continue;
      this.#drained?.resolve();
      this.#drained = undefined;
    }
    // In the same turn in which nothing waited: a line that comes later starts another write.
    this.#writing = undefined;
  }

  /** Takes at least one line, and no more than go into one file. */
  #takeBatch(): { lines: number; text: string } {
    const { maxFileBytes } = this.#options;
    const used = this.#file?.bytes ?? 0;
    const room = used < maxFileBytes ? maxFileBytes - used : maxFileBytes;
    let bytes = 0;
    let lines = 0;
    while (lines < this.#waiting.length && (lines === 0 || bytes + this.#waiting[lines]!.bytes <= room)) {
      bytes += this.#waiting[lines]!.bytes;
      lines += 1;
    }
    const taken = this.#waiting.splice(0, lines);
    this.#waitingBytes -= bytes;
    return { lines, text: taken.map((line) => line.text).join("") };
  }

  async #write(data: Buffer): Promise<void> {
    this.#file ??= await this.#openLast();
    if (this.#file.bytes > 0 && this.#file.bytes + data.length > this.#options.maxFileBytes) await this.#rotate();
    await this.#file.handle.appendFile(data);
    this.#file.bytes += data.length;
  }

  /** Goes on in the file with the highest number; a line that was cut off there by a crash is ended first. */
  async #openLast(): Promise<{ handle: FileHandle; number: number; bytes: number }> {
    const { folder, channel } = this.#options;
    await makePrivateFolder(folder);
    const number = Math.max(1, ...(await this.#numbersOnDisk()));
    const handle = await open(channelPath(folder, channel, number), "a+", 0o600);
    try {
      const { size } = await handle.stat();
      if (size === 0) return { handle, number, bytes: 0 };
      const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
      if (buffer[0] === 0x0a) return { handle, number, bytes: size };
      await handle.appendFile("\n");
      return { handle, number, bytes: size + 1 };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async #rotate(): Promise<void> {
    const { folder, channel, maxFiles } = this.#options;
    const number = this.#file!.number + 1;
    await this.#closeFile();
    // Room is made first: on a full disk the oldest lines give way to the newest.
    for (const old of await this.#numbersOnDisk()) {
      if (old <= number - maxFiles) await rm(channelPath(folder, channel, old), { force: true });
    }
    this.#file = { handle: await open(channelPath(folder, channel, number), "a+", 0o600), number, bytes: 0 };
  }

  async #numbersOnDisk(): Promise<number[]> {
    const { folder, channel } = this.#options;
    const mine = (await readdir(folder)).filter((name) => name.startsWith(`${channel}.`) && name.endsWith(".jsonl"));
    return mine.map((name) => Number(name.slice(channel.length + 1, -".jsonl".length))).filter(Number.isInteger);
  }

  async #fail(error: unknown, lines: number): Promise<void> {
    this.#lost += lines;
    // A part of the lines may be in the file: it is opened anew, which ends such a line.
    await this.#closeFile();
    if (this.#inTrouble) return;
    this.#inTrouble = true;
    this.#options.onTrouble(error);
  }

  #recover(): void {
    const lost = this.#lost;
    this.#lost = 0;
    this.#inTrouble = false;
    if (lost > 0) this.#options.onRecovered(lost);
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.handle.close().catch(() => {});
  }
}
