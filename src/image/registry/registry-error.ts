import { CortexError } from "../../core/errors.ts";
import { type Repository, showRepository } from "../reference.ts";
import { type HttpResponse, readAll } from "./http.ts";
import { Passing } from "./retry.ts";

/** What was tried, for the words: "push to", "pull from". */
export type Deed = "push to" | "pull from";

export interface Attempt {
  readonly repository: Repository;
  readonly deed: Deed;
  /** Who asked, e.g. "as anna (~/.docker/config.json)"; "without a login". */
  readonly as: string;
}

export class UnknownRepository extends CortexError {}

/** A registry's own words: `{"errors": [{"code", "message"}]}`. */
interface Refusal {
  readonly code: string;
  readonly message: string;
}

const mostBytes = 64 * 1024;
const longestQuote = 300;

/** Reads what a registry says of a request that it did not fulfil. @returns what to throw: `Passing` or an error */
export async function refusalOf(response: HttpResponse, attempt: Attempt): Promise<Passing | CortexError> {
  const { status, headers } = response;
  const refusal = await readRefusal(response);
  const error = explain(status, refusal, attempt);
  const isPassing =
    status === 429 || status === 408 || status === 425 || (status >= 500 && status !== 501 && status !== 507);
  return isPassing && !isDiskFull(refusal) ? new Passing(error, retryAfter(headers["retry-after"])) : error;
}

export function explain(status: number, refusal: Refusal, attempt: Attempt): CortexError {
  const { repository, deed, as } = attempt;
  const place = showRepository(repository);
  const said = refusal.message === "" ? "" : `: ${refusal.message}`;
  if (status === 401) {
    return new CortexError("NOT_AUTHORISED", `${repository.registry} does not let us ${deed} ${place} ${as}${said}`, {
      hint: `docker login ${repository.registry}, then run the same command again`,
    });
  }
  if (status === 403) {
    return new CortexError("NOT_AUTHORISED", `${repository.registry} denies ${as} to ${deed} ${place}${said}`, {
      hint:
        deed === "push to"
          ? "ask for the right to push there, or name another repository"
          : "ask for the right to pull it",
    });
  }
  if (status === 507 || isDiskFull(refusal)) {
    return new CortexError("REGISTRY_FAILED", `the registry ${repository.registry} has no space left${said}`, {
      hint: "free some space there, or let it collect its garbage, then run the same command again",
    });
  }
  if (status === 429) {
    return new CortexError("REGISTRY_FAILED", `${repository.registry} takes no more requests ${as} for now${said}`, {
      hint: `log in (docker login ${repository.registry}) or wait; a copy of the base image in a registry of your own avoids it`,
    });
  }
  if (status === 404 || refusal.code === "NAME_UNKNOWN") {
    return new UnknownRepository(
      "REGISTRY_FAILED",
      `${repository.registry} has no repository ${repository.name}${said}`,
      {
        hint:
          deed === "push to" ? "make it there first, or name another one with --registry" : "check how it is spelled",
      },
    );
  }
  if (status === 405 || refusal.code === "UNSUPPORTED") {
    return new CortexError("REGISTRY_FAILED", `${repository.registry} is read-only${said}`, {
      hint: "name a registry that takes images with --registry",
    });
  }
  return new CortexError(
    "REGISTRY_FAILED",
    `${repository.registry} answered ${status} as we tried to ${deed} ${place}${said}`,
    {
      ...(status >= 500 && { hint: "the registry is not well; run the same command again later" }),
    },
  );
}

const tlsCodes =
  /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|EPROTO$|HOSTNAME_MISMATCH)/;

/** What a failed connection to `registry` means. @returns what to throw; errors that say something else as they are */
export function connectionFailure(error: unknown, registry: string): unknown {
  const { code = "", message } = error as NodeJS.ErrnoException;
  if (error instanceof CortexError || error instanceof Passing) return error;
  if (tlsCodes.test(code)) {
    const isPlain = /wrong version number|packet length too long/i.test(message);
    const why = isPlain ? "it speaks plain HTTP" : `its certificate is not trusted here (${code})`;
    return new CortexError("REGISTRY_FAILED", `no secure connection to the registry ${registry}: ${why}`, {
      hint: isPlain
        ? `if that is meant to be, set CORTEX_INSECURE_REGISTRIES=${registry}`
        : `trust its authority: put the certificate into /etc/docker/certs.d/${registry}/ca.crt or set NODE_EXTRA_CA_CERTS`,
      cause: error,
    });
  }
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: "nothing listens there",
    ENOTFOUND: "there is no such host",
    EAI_AGAIN: "its name cannot be resolved",
    ETIMEDOUT: "it does not answer",
    EHOSTUNREACH: "there is no way to it",
    ENETUNREACH: "there is no way to it",
    ECONNRESET: "it closes the connection",
    EPIPE: "it closes the connection",
    UND_ERR_SOCKET: "it closes the connection",
    HPE_INVALID_CONSTANT: "it does not speak HTTP",
  };
  const why = words[code] ?? (/aborted|socket hang up|redirects/.test(message) ? message : undefined);
  if (why === undefined) return error;
  const lasting = new CortexError("REGISTRY_FAILED", `the registry ${registry} cannot be reached: ${why}`, {
    hint: "check the network, a proxy (HTTPS_PROXY) and the registry's name, then run the same command again",
    cause: error,
  });
  return code === "ENOTFOUND" || code === "HPE_INVALID_CONSTANT" ? lasting : new Passing(lasting);
}

async function readRefusal(response: HttpResponse): Promise<Refusal> {
  const text = await readAll(response, mostBytes).then(String, () => "");
  try {
    const body = JSON.parse(text) as { errors?: readonly { code?: string; message?: string; detail?: unknown }[] };
    const first = body.errors?.[0];
    const detail = typeof first?.detail === "string" ? first.detail : JSON.stringify(first?.detail ?? "");
    const isTelling = /no space left|quota/i.test(detail);
    return { code: first?.code ?? "", message: quote(isTelling ? detail : (first?.message ?? "")) };
  } catch {
    const isText = /^text\/plain/.test(response.headers["content-type"] ?? "") || /no space left/i.test(text);
    return { code: "", message: isText ? quote(text) : "" };
  }
}

function isDiskFull({ message }: Refusal): boolean {
  return /no space left|disk quota|storage quota|insufficient storage/i.test(message);
}

function quote(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, " ")
    .trim()
    .slice(0, longestQuote);
}

/** @returns milliseconds; undefined when the header says no number */
function retryAfter(header: string | undefined): number | undefined {
  const seconds = Number(header);
  return header !== undefined && Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}
