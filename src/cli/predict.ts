import { readFile } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { Command } from "commander";
import type { ApiRequest, ApiResponse } from "../core/environment.ts";
import { CortexError } from "../core/errors.ts";
import type { App } from "./app.ts";
import { type EnvFlag, envOption, withExamples } from "./flags.ts";

export interface PredictFlags extends EnvFlag {
  readonly data?: string;
  readonly request?: string;
  readonly header: readonly string[];
  readonly path: string;
}

/** The beginning of an answer that says what went wrong; more would only fill the screen. */
const mostErrorBytes = 16 * 1024;

export function predictCommand(app: App, run: typeof runPredict = runPredict): Command {
  const command = new Command("predict")
    .description("Sends a request to an API and prints the body of the answer. An answer that is no 2xx is an error.")
    .argument("<api>", "name of an API")
    .argument("[file]", "what to send, its content type told by the file's extension; - is standard input")
    .addOption(envOption())
    .option("-d, --data <json>", "send this JSON instead of a file")
    .option("-X, --request <method>", "method (default: POST, without a body GET)")
    .option("-H, --header <header>", "add a header, e.g. 'Accept: text/csv'", collect, [])
    .option("--path <path>", "path and query below the endpoint", "")
    .action((api: string, file: string | undefined, flags: PredictFlags) => run(app, api, file, flags));
  command.options.find((option) => option.long === "--header")!.defaultValueDescription = "none";
  command.options.find((option) => option.long === "--path")!.defaultValueDescription = "none";
  return withExamples(command, [
    ["cortex predict iris sample.json", "send a file"],
    [`cortex predict iris -d '{"sepal_length": 5.2}'`, "send JSON"],
    ["cortex predict digits photo.png", "content types go by the extension"],
    ["cat sample.json | cortex predict iris -", "send standard input"],
  ]);
}

async function runPredict(app: App, name: string, file: string | undefined, flags: PredictFlags): Promise<void> {
  const request = await requestOf(app, file, flags);
  const environment = await app.environment(flags.env);
  const response = await environment.request(name, request, app.signal);
  if (response.status < 200 || response.status > 299) throw await refusal(name, response);
  await printBody(app, response);
}

async function requestOf(app: App, file: string | undefined, flags: PredictFlags): Promise<ApiRequest> {
  if (flags.data !== undefined && file !== undefined) {
    throw new CortexError("USAGE", "a file and -d were given", { hint: "send one of them" });
  }
  const payload = await payloadOf(app, file, flags.data);
  if (!payload && flags.request === undefined) {
    throw new CortexError("USAGE", "there is nothing to send", {
      hint: "name a file, - for standard input, or use -d JSON; -X GET sends no body",
    });
  }
  const path =
    flags.path === "" || flags.path.startsWith("/") || flags.path.startsWith("?") ? flags.path : `/${flags.path}`;
  return {
    method: flags.request?.toUpperCase() ?? "POST",
    path,
    headers: { ...(payload && { "content-type": payload.type }), ...headersOf(flags.header) },
    body: payload?.body ?? new Uint8Array(),
  };
}

interface Payload {
  readonly type: string;
  readonly body: Uint8Array;
}

async function payloadOf(app: App, file: string | undefined, data: string | undefined): Promise<Payload | undefined> {
  if (data !== undefined) {
    checkJson(data);
    return { type: "application/json", body: new TextEncoder().encode(data) };
  }
  if (file === undefined) return undefined;
  if (file === "-") {
    const body = await app.terminal.stdin.readAll(app.signal);
    return { type: isJson(body) ? "application/json" : "application/octet-stream", body };
  }
  return { type: contentType(file), body: await readPayload(resolve(app.workingFolder, file), file) };
}

async function readPayload(path: string, named: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") {
      throw new CortexError("FILE_NOT_FOUND", `there is no file ${named}`, {
        hint: /^\s*[[{]/.test(named) ? "to send JSON from the command line, use -d" : "check the path",
        cause: error,
      });
    }
    throw new CortexError("FAILED", `cannot read ${named}: ${code}`, { cause: error });
  }
}

const contentTypes: Readonly<Record<string, string>> = {
  ".json": "application/json",
  ".txt": "text/plain; charset=utf-8",
  ".csv": "text/csv",
  ".html": "text/html",
  ".xml": "application/xml",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".gif": "image/gif",
  ".webp": "image/webp",
  ".bmp": "image/bmp",
  ".tif": "image/tiff",
  ".tiff": "image/tiff",
  ".wav": "audio/wav",
  ".mp3": "audio/mpeg",
  ".flac": "audio/flac",
  ".mp4": "video/mp4",
  ".pdf": "application/pdf",
  ".zip": "application/zip",
};

/** @returns the content type that the extension of `file` tells; that of bytes when it tells none */
export function contentType(file: string): string {
  return contentTypes[extname(file).toLowerCase()] ?? "application/octet-stream";
}

function isJson(body: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    return true;
  } catch {
    return false;
  }
}

function checkJson(data: string): void {
  try {
    JSON.parse(data);
  } catch (error) {
    throw new CortexError("USAGE", `-d is no JSON: ${(error as Error).message}`, {
      hint: "quote it for the shell, e.g. -d '{\"key\": 1}'; to send a file, name it without -d",
    });
  }
}

function headersOf(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(.*)$/.exec(line) ?? [];
      if (name !== undefined && value !== undefined) return [name.toLowerCase(), value];
      throw new CortexError("USAGE", `-H "${line}" is no header`, { hint: "write it as 'Name: value'" });
    }),
  );
}

function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

/** Streams, so that an answer that comes in parts is seen in parts. A terminal gets a newline after the last. */
async function printBody(app: App, { body }: ApiResponse): Promise<void> {
  const { stdout } = app.terminal;
  let last: number | undefined;
  for await (const chunk of body) {
    await stdout.write(chunk);
    last = chunk.at(-1) ?? last;
    if (stdout.isClosed) return;
  }
  if (stdout.isTerminal && last !== undefined && last !== 0x0a) await stdout.write("\n");
}

async function refusal(name: string, { status, body }: ApiResponse): Promise<CortexError> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > mostErrorBytes) break;
  }
  const { STATUS_CODES } = await import("node:http");
  const text = Buffer.concat(chunks).toString("utf8", 0, mostErrorBytes);
  return new CortexError("REQUEST_FAILED", `${name} answered ${status} ${STATUS_CODES[status] ?? ""}`.trimEnd(), {
    ...(text.trim() !== "" && { details: text }),
    ...(status >= 500 && { hint: `\`cortex logs ${name} -n 50\` shows what it printed` }),
  });
}
