/** A member of a tar archive. */
export interface TarMember {
  /** Without a leading "./" or "/", and without a closing "/". */
  readonly path: string;
  readonly type: "file" | "folder" | "symlink" | "hardlink" | "other";
  readonly bytes: number;
  /** What a link leads to; else empty. */
  readonly linkTarget: string;
  /** Reads the content whole; possible until the next member is asked for. */
  read(): Promise<Buffer>;
}

const blockBytes = 512;
const types: Readonly<Record<string, TarMember["type"]>> = {
  "0": "file",
  "\0": "file",
  "7": "file",
  "1": "hardlink",
  "2": "symlink",
  "5": "folder",
};
/** Of the headers that carry long names. */
const mostHeaderBytes = 1 << 20;

/**
 * Lists the members of an uncompressed tar archive as it comes in; what is not read is skipped.
 * @throws Error when it is none, or ends early
 */
export async function* readTar(chunks: AsyncIterable<Buffer>): AsyncGenerator<TarMember, void, undefined> {
  await using input = new Input(chunks);
  let names: { path?: string; linkpath?: string; size?: string } = {};
  for (;;) {
    const header = await input.take(blockBytes);
    if (header === undefined || header.every((byte) => byte === 0)) return;
    const flag = String.fromCharCode(header[156]!);
    const bytes = names.size === undefined ? numberAt(header, 124, 12) : Number(names.size);
    const padded = Math.ceil(bytes / blockBytes) * blockBytes;
    if (flag === "x" || flag === "L" || flag === "K" || flag === "g") {
      if (bytes > mostHeaderBytes) throw new Error("a tar archive with an overlong header");
      const content = ((await input.take(padded)) ?? Buffer.alloc(0)).subarray(0, bytes);
      if (flag === "x") names = { ...names, ...paxRecords(content) };
      if (flag === "L") names.path = content.toString("utf8").replace(/\0+$/, "");
      if (flag === "K") names.linkpath = content.toString("utf8").replace(/\0+$/, "");
      continue;
    }
    const prefix = header.toString("latin1", 257, 262) === "ustar" ? textAt(header, 345, 155) : "";
    const name = textAt(header, 0, 100);
    const path = names.path ?? (prefix === "" ? name : `${prefix}/${name}`);
    const type = types[flag] ?? "other";
    let left = padded;
    yield {
      path: path.replace(/^(?:\.?\/)+/, "").replace(/\/+$/, ""),
      type: type === "file" && path.endsWith("/") ? "folder" : type,
      bytes,
      linkTarget: names.linkpath ?? textAt(header, 157, 100),
      async read() {
        const content = await input.take(left);
        left = 0;
        if (content === undefined) throw new Error("a tar archive that ends early");
        return content.subarray(0, bytes);
      },
    };
    await input.skip(left);
    names = {};
  }
}

class Input implements AsyncDisposable {
  readonly #chunks: AsyncIterator<Buffer>;
  #buffered: Buffer[] = [];
  #bytes = 0;

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** @returns exactly `bytes` bytes; undefined when it ends before */
  async take(bytes: number): Promise<Buffer | undefined> {
    while (this.#bytes < bytes) if (!(await this.#more())) return undefined;
    const all = this.#buffered.length === 1 ? this.#buffered[0]! : Buffer.concat(this.#buffered);
    const rest = all.subarray(bytes);
    this.#buffered = rest.length > 0 ? [rest] : [];
    this.#bytes = rest.length;
    return all.subarray(0, bytes);
  }

  async skip(bytes: number): Promise<void> {
    let left = bytes;
    while (left > 0) {
      if (this.#bytes === 0 && !(await this.#more())) throw new Error("a tar archive that ends early");
      const first = this.#buffered[0]!;
      const skipped = Math.min(left, first.length);
      left -= skipped;
      this.#bytes -= skipped;
      if (skipped === first.length) this.#buffered.shift();
      else this.#buffered[0] = first.subarray(skipped);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#chunks.return?.();
  }

  async #more(): Promise<boolean> {
    const { value, done } = await this.#chunks.next();
    if (done) return false;
    if (value.length > 0) this.#buffered.push(value);
    this.#bytes += value.length;
    return true;
  }
}

function textAt(header: Buffer, at: number, length: number): string {
  const end = header.indexOf(0, at);
  return header.toString("utf8", at, end < 0 || end > at + length ? at + length : end);
}

/** Octal, or above 8 GiB binary with the highest bit set. */
function numberAt(header: Buffer, at: number, length: number): number {
  if ((header[at]! & 0x80) !== 0) return Number(BigInt(`0x${header.toString("hex", at + 4, at + length)}`));
  const value = Number.parseInt(textAt(header, at, length).trim() || "0", 8);
  if (!Number.isSafeInteger(value)) throw new Error("not a tar archive");
  return value;
}

/** Records "LENGTH KEY=VALUE\n". */
function paxRecords(content: Buffer): Record<string, string> {
  const records: Record<string, string> = {};
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(0x20, at);
    const length = Number(content.toString("latin1", at, space));
    if (space < 0 || !(length > 0)) break;
    const record = content.toString("utf8", space + 1, at + length - 1);
    const equals = record.indexOf("=");
    records[record.slice(0, equals)] = record.slice(equals + 1);
    at += length;
  }
  return records;
}
