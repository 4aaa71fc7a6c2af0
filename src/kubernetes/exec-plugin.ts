import { spawn } from "node:child_process";
import { isAbsolute } from "node:path";
import { CortexError } from "../core/errors.ts";
import { untilAborted } from "../core/streams.ts";
import type { CredentialSource, Credentials } from "./credentials.ts";
import { besideFile, type ExecEntry } from "./kubeconfig-file.ts";
import type { ClusterTarget } from "./target.ts";

export interface PluginSurroundings {
  readonly target: ClusterTarget;
  /** e.g. "the user of context prod in ~/.kube/config". */
  readonly where: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Impersonation; goes with every request. */
  readonly headers: Credentials["headers"];
  /** The kubeconfig's own, used when the plugin gives none. */
  readonly certificate: Credentials["certificate"];
}

interface Issued {
  readonly credentials: Credentials;
  /** Milliseconds since the epoch; infinite when the plugin did not say. */
  readonly expiresAt: number;
}

const versions = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];
/** New credentials are fetched so long before old ones end, in milliseconds. */
const reserveMs = 10_000;
/** A plugin that says nothing for so long is ended, unless it may ask the user something. */
const silentMs = 60_000;

/**
 * Credentials that a program of the user's gives, run when there are none, they end soon, or the server refused them;
 * once for all who wait. It is started without a shell.
 * @throws SPEC_INVALID for an entry that cannot be run
 */
export function pluginCredentials(entry: ExecEntry, surroundings: PluginSurroundings): CredentialSource {
  checkEntry(entry, surroundings.where);
  let issued: Issued | undefined;
  let running: Promise<Issued> | undefined;
  return {
    async current(signal) {
      if (issued && issued.expiresAt - reserveMs > Date.now()) return issued.credentials;
      running ??= runPlugin(entry, surroundings).finally(() => {
        running = undefined;
      });
      issued = await untilAborted(running, signal);
      return issued.credentials;
    },
    refused(credentials) {
      // Others may have got new ones meanwhile.
      if (issued?.credentials === credentials) issued = undefined;
      return true;
    },
  };
}

function checkEntry({ apiVersion, command, interactiveMode }: ExecEntry, where: string): void {
  if (!command) throw new CortexError("SPEC_INVALID", `exec of ${where} has no command`);
  if (!versions.includes(apiVersion ?? "")) {
    throw new CortexError(
      "SPEC_INVALID",
      `exec of ${where} has the apiVersion ${apiVersion ?? '""'}: ${versions.join(" or ")} is needed`,
      {
        hint: "update the plugin and get a new kubeconfig, e.g. `aws eks update-kubeconfig`",
      },
    );
  }
  if (interactiveMode === "Always" && !process.stdin.isTTY) {
    throw new CortexError(
      "INPUT_NEEDED",
      `${command}, the exec plugin of ${where}, asks on a terminal, and there is none`,
      {
        hint: "run this in a terminal, or use credentials that need no answer",
      },
    );
  }
}

async function runPlugin(entry: ExecEntry, surroundings: PluginSurroundings): Promise<Issued> {
  const { where, variables, target } = surroundings;
  const named = entry.command!;
  const command = /[\\/]/.test(named) && !isAbsolute(named) ? besideFile(target.userFile, named) : named;
  const interactive = entry.interactiveMode !== "Never" && process.stdin.isTTY === true;
  const info = {
    apiVersion: entry.apiVersion,
    kind: "ExecCredential",
    spec: { interactive, ...(entry.provideClusterInfo && { cluster: target.clusterInfo }) },
  };
  const given = Object.fromEntries((entry.env ?? []).map(({ name, value }) => [name, value]));
  const output = await runProgram(command, entry.args ?? [], {
    env: { ...variables, ...given, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
    interactive,
    missing: () =>
      new CortexError("NOT_AUTHORISED", `${named}, the exec plugin of ${where}, is not installed`, {
        hint: entry.installHint?.trim().replaceAll(/\s+/g, " ") || `install ${named}, or use other credentials`,
      }),
    failed: (why, details) =>
      new CortexError("NOT_AUTHORISED", `${named}, the exec plugin of ${where}, gave no credentials: ${why}`, {
        ...(details && { details }),
        hint: `run \`kubectl --context ${target.context} version\`: it runs the same plugin`,
      }),
  });
  return readCredential(output, entry, surroundings);
}

interface RunOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly interactive: boolean;
  missing(): CortexError;
  failed(why: string, details?: string): CortexError;
}

/** @returns what it wrote to stdout; what it wrote to stderr goes into the error, or on a terminal to the user */
async function runProgram(command: string, args: readonly string[], options: RunOptions): Promise<string> {
  const child = spawn(command, args, {
    env: options.env,
    stdio: [options.interactive ? "inherit" : "ignore", "pipe", options.interactive ? "inherit" : "pipe"],
    windowsHide: true,
  });
  const timer = options.interactive ? undefined : setTimeout(() => child.kill("SIGKILL"), silentMs);
  const ended = Promise.withResolvers<{ code: number | null; signal: string | null }>();
  child.once("error", (error: NodeJS.ErrnoException) =>
    ended.reject(error.code === "ENOENT" ? options.missing() : options.failed(error.code ?? error.message)),
  );
  child.once("close", (code, signal) => ended.resolve({ code, signal }));
  let output = "";
  let complaint = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    if (output.length < 1024 * 1024) output += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-4_000);
  });
  try {
    const { code, signal } = await ended.promise;
    if (code === 0) return output;
    throw options.failed(signal ? `it was ended by ${signal}` : `it exited with ${code}`, complaint.trim());
  } finally {
    clearTimeout(timer);
  }
}

interface ExecCredential {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly status?: {
    readonly token?: string;
    readonly clientCertificateData?: string;
    readonly clientKeyData?: string;
    readonly expirationTimestamp?: string;
  };
}

function readCredential(output: string, entry: ExecEntry, { where, headers, certificate }: PluginSurroundings): Issued {
  const wrong = (why: string) =>
    new CortexError("NOT_AUTHORISED", `${entry.command}, the exec plugin of ${where}, ${why}`, {
      hint: "update the plugin, or get a new kubeconfig from your cluster",
    });
  let value: ExecCredential;
  try {
    value = JSON.parse(output) as ExecCredential;
  } catch {
    throw wrong("did not print an ExecCredential as JSON");
  }
  if (value?.kind !== "ExecCredential") throw wrong("did not print an ExecCredential");
  if (value.apiVersion !== entry.apiVersion) {
    throw wrong(`answers with ${value.apiVersion}, the kubeconfig asks for ${entry.apiVersion}`);
  }
  const { token, clientCertificateData, clientKeyData, expirationTimestamp } = value.status ?? {};
  const issuedPair =
    clientCertificateData && clientKeyData ? { certificate: clientCertificateData, key: clientKeyData } : undefined;
  if (!token && !issuedPair) throw wrong("printed neither a token nor a client certificate");
  const expiresAt = expirationTimestamp ? Date.parse(expirationTimestamp) : Number.POSITIVE_INFINITY;
  return {
    credentials: {
      headers: { ...(token && { authorization: `Bearer ${token.trim()}` }), ...headers },
      certificate: issuedPair ?? certificate,
    },
    // One that gives out what has ended already would else be run for every request.
    expiresAt: Number.isNaN(expiresAt) ? Number.POSITIVE_INFINITY : Math.max(expiresAt, Date.now() + reserveMs + 1_000),
  };
}
