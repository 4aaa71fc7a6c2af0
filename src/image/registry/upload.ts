import { CortexError } from "../../core/errors.ts";
import type { HttpResponse } from "./http.ts";
import type { Asking } from "./registries.ts";
import { once } from "./repository-client.ts";
import { Passing, patiently } from "./retry.ts";

/** A blob that is to be brought to a repository. */
export interface Upload {
  readonly digest: string;
  readonly bytes: number;
  /** Its content from byte `from` on. */
  open(from: number): AsyncIterable<Buffer>;
  /** Told how many of its bytes were sent so far; less than before after a start from the beginning. */
  onProgress(sentBytes: number): void;
}

/** Where an upload stands: the registry has the first `offset` bytes. */
interface Session {
  readonly location: URL;
  readonly offset: number;
}

/** Below what proxies in front of registries let pass, such as 100 MB. */
const chunkBytes = 32 << 20;

/**
 * Takes a blob over from another repository of the same registry.
 * @returns undefined when that was done; where to upload it to when the registry will not
 */
export async function mountBlob(
  asking: Asking,
  digest: string,
  from: string,
  signal: AbortSignal,
): Promise<URL | undefined> {
  const to = `blobs/uploads/?mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(from)}`;
  const response = await asking.ask({ to, method: "POST", expect: [201, 202] }, signal);
  response.stream.resume();
  return response.status === 201 ? undefined : locationOf(response);
}

/**
 * Brings a blob to a repository: whole in one request, in pieces where a proxy refuses large ones. After a cut connection it
 * asks how much has arrived and goes on from there, or starts again where the registry has forgotten.
 * @param started where the registry already said to upload to
 * @throws NOT_AUTHORISED, REGISTRY_FAILED, IMAGE_FAILED when the content is not what the digest says
 */
export async function uploadBlob(
  asking: Asking,
  upload: Upload,
  started: URL | undefined,
  signal: AbortSignal,
): Promise<void> {
  let session: Session | undefined = started && { location: started, offset: 0 };
  let inChunks = false;
  let isResumed = false;
  await patiently(async () => {
    session ??= { location: await start(asking, signal), offset: 0 };
    try {
      if (session.offset === 0 && !inChunks) {
        const end = await putWhole(asking, upload, session.location, signal);
        if (end === "done") return;
        if (end === "too large") inChunks = true;
        session = undefined;
        throw again(asking);
      }
      for (const last = upload.bytes; session.offset < last; ) {
        const end = inChunks ? Math.min(last, session.offset + chunkBytes) : last;
        session = await sendPart(asking, upload, session, end, signal);
      }
      if (await finish(asking, upload, session.location, signal)) return;
      // What a registry says that it has of a broken upload need not be what was sent: then all of it again.
      if (!isResumed) throw refused(asking, upload);
      session = undefined;
      throw again(asking);
    } catch (error) {
      signal.throwIfAborted();
      if (session && error instanceof Passing) session = await whereItStands(asking, session, signal);
      isResumed = session !== undefined && session.offset > 0;
      throw error;
    }
  }, signal);
}

async function start(asking: Asking, signal: AbortSignal): Promise<URL> {
  const response = await asking.ask({ to: "blobs/uploads/", method: "POST", expect: [202] }, signal);
  response.stream.resume();
  return locationOf(response);
}

async function putWhole(
  asking: Asking,
  upload: Upload,
  location: URL,
  signal: AbortSignal,
): Promise<"done" | "too large" | "forgotten"> {
  const request = {
    to: withDigest(location, upload.digest),
    method: "PUT",
    headers: { "content-type": "application/octet-stream" },
    body: partOf(upload, 0, upload.bytes),
    expect: [201, 204, 400, 404, 413, 416],
    isOnlyAttempt: true,
  } as const;
  const response = await asking.ask(request, signal);
  response.stream.resume();
  if (response.status === 413) return "too large";
  if (response.status === 400) throw refused(asking, upload);
  return response.status === 201 || response.status === 204 ? "done" : "forgotten";
}

/** Sends the bytes from `session.offset` to `end`. */
async function sendPart(
  asking: Asking,
  upload: Upload,
  { location, offset }: Session,
  end: number,
  signal: AbortSignal,
): Promise<Session> {
  const request = {
    to: location,
    method: "PATCH",
    headers: { "content-type": "application/octet-stream", "content-range": `${offset}-${end - 1}` },
    body: partOf(upload, offset, end),
    expect: [202, 204, 404, 416],
    isOnlyAttempt: true,
  } as const;
  const response = await asking.ask(request, signal);
  response.stream.resume();
  if (response.status === 404 || response.status === 416) throw again(asking);
  return { location: locationOf(response), offset: end };
}

/** @returns whether the registry has found what the digest says */
async function finish(asking: Asking, upload: Upload, location: URL, signal: AbortSignal): Promise<boolean> {
  const to = withDigest(location, upload.digest);
  const response = await asking.ask(
    { to, method: "PUT", expect: [201, 204, 400, 404, 416], isOnlyAttempt: true },
    signal,
  );
  response.stream.resume();
  if (response.status === 404 || response.status === 416) throw again(asking);
  return response.status !== 400;
}

/** @returns how much the registry has; undefined when it has forgotten the upload */
async function whereItStands(asking: Asking, { location }: Session, signal: AbortSignal): Promise<Session | undefined> {
  try {
    const request = { to: location, method: "GET", expect: [204, 200, 202], isOnlyAttempt: true } as const;
    const response = await asking.ask(request, signal);
    response.stream.resume();
    const last = /^(?:bytes=)?0-(\d+)$/.exec(response.headers.range ?? "")?.[1];
    const next = response.headers.location === undefined ? location : locationOf(response);
    // "0-0" is what registries say of one byte and of none.
    const offset = last === undefined || last === "0" ? 0 : Number(last) + 1;
    return { location: next, offset };
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

function partOf(upload: Upload, from: number, end: number) {
  let sent = from;
  return {
    bytes: end - from,
    open() {
      sent = from;
      return cutAt(upload.open(from), end - from);
    },
    onSent(bytes: number) {
      sent += bytes;
      upload.onProgress(sent);
    },
  };
}

async function* cutAt(content: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer, void, undefined> {
  let left = bytes;
  if (left === 0) return yield* once(Buffer.alloc(0));
  for await (const chunk of content) {
    const piece = chunk.subarray(0, left);
    left -= piece.length;
    yield piece;
    if (left === 0) return;
  }
}

function withDigest(location: URL, digest: string): URL {
  const address = new URL(location);
  address.searchParams.set("digest", digest);
  return address;
}

function locationOf({ headers, url }: HttpResponse): URL {
  if (headers.location === undefined)
    throw new CortexError("REGISTRY_FAILED", `${url.host} does not say where to upload to`);
  return new URL(headers.location, url);
}

function again({ repository }: Asking): Passing {
  return new Passing(
    new CortexError("REGISTRY_FAILED", `${repository.registry} forgets uploads while they run`, {
      hint: "is there more than one registry behind that name, without storage in common?",
    }),
  );
}

function refused({ repository }: Asking, { digest }: Upload): CortexError {
  return new CortexError(
    "IMAGE_FAILED",
    `${repository.registry} refuses ${digest}: what arrived is not what was sent`,
    {
      hint: "run the same command again; the layer is made anew",
    },
  );
}
