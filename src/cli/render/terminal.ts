/** Where text goes. Nothing here throws when the reader went away: `isClosed` then says so, and the rest is dropped. */
export interface Sink {
  readonly isTerminal: boolean;
  /** Colour is wanted here. */
  readonly hasColor: boolean;
  /** Width in cells; 80 where nobody knows. */
  readonly columns: number;
  readonly isClosed: boolean;
  /** Resolves when there is room for more. */
  write(data: string | Uint8Array): Promise<void>;
  /** Of a terminal: its size now, and whenever it changes. */
  sizes(signal: AbortSignal): AsyncIterable<TerminalSize>;
}

interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface Source {
  readonly isTerminal: boolean;
  /** One line without its end; undefined at the end of the input. */
  readLine(signal: AbortSignal): Promise<string | undefined>;
  readAll(signal: AbortSignal): Promise<Uint8Array>;
  /** What comes, as it comes. */
  read(): AsyncIterable<Uint8Array>;
  /** Until it is disposed of, keys come one by one and are not shown, Ctrl-C among them. Only of a terminal. */
  takeKeys(): Disposable;
}

/** stdout carries data, stderr all else. */
export interface Terminal {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly stdin: Source;
  /** Lines on stderr may be redrawn: a person watches, and it is no log of a CI job. */
  readonly isLive: boolean;
  /** A question would be seen and could be answered. */
  readonly canAsk: boolean;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** `NO_COLOR` wins, then `FORCE_COLOR`, then whether this is a terminal that knows colour and no CI job. */
export function wantsColor(variables: Variables, isTerminal: boolean): boolean {
  if (variables.NO_COLOR) return false;
  const forced = variables.FORCE_COLOR;
  if (forced) return forced !== "0" && forced !== "false";
  return isTerminal && variables.TERM !== "dumb" && !isCi(variables);
}

export function isCi(variables: Variables): boolean {
  const value = variables.CI;
  return value !== undefined && value !== "" && value !== "0" && value !== "false";
}

export function processTerminal(variables: Variables): Terminal {
  const stdout = streamSink(process.stdout, variables);
  const stderr = streamSink(process.stderr, variables);
  const stdin = processInput();
  const isAttended = stderr.isTerminal && !isCi(variables);
  return {
    stdout,
    stderr,
    stdin,
    isLive: isAttended && variables.TERM !== "dumb",
    get canAsk() {
      return isAttended && stdin.isTerminal && !variables.CORTEX_NO_INPUT;
    },
  };
}

function streamSink(stream: NodeJS.WriteStream, variables: Variables): Sink {
  let isClosed = false;
  stream.on("error", () => {
    isClosed = true;
  });
  const isTerminal = stream.isTTY === true;
  return {
    isTerminal,
    hasColor: wantsColor(variables, isTerminal),
    get columns() {
      return stream.columns || 80;
    },
    get isClosed() {
      return isClosed;
    },
    write: (data) =>
      new Promise((resolve) => {
        if (isClosed || data.length === 0) resolve();
        else stream.write(data, () => resolve());
      }),
    sizes: (signal) => sizesOf(stream, signal),
  };
}

async function* sizesOf(stream: NodeJS.WriteStream, signal: AbortSignal): AsyncGenerator<TerminalSize> {
  const size = () => ({ columns: stream.columns || 80, rows: stream.rows || 24 });
  yield size();
  const { on } = await import("node:events");
  for await (const _ of on(stream, "resize", { signal })) yield size();
}

/** `process.stdin` is a getter that makes a stream, which takes milliseconds: it is asked only by those who read. */
function processInput(): Source {
  return {
    get isTerminal() {
      return process.stdin.isTTY === true;
    },
    async readLine(signal) {
      const { createInterface } = await import("node:readline");
      const lines = createInterface({ input: process.stdin, signal });
      const line = await new Promise<string | undefined>((resolve) => {
        lines.once("line", resolve);
        lines.once("close", () => resolve(undefined));
      });
      lines.close();
      signal.throwIfAborted();
      return line;
    },
    async readAll(signal) {
      const chunks: Buffer[] = [];
      const { addAbortSignal } = await import("node:stream");
      for await (const chunk of addAbortSignal(signal, process.stdin)) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks);
    },
    read: () => process.stdin,
    takeKeys() {
      process.stdin.setRawMode(true);
      return { [Symbol.dispose]: () => void process.stdin.setRawMode(false) };
    },
  };
}
