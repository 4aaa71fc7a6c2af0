import type { AwsCredentialIdentity } from "@smithy/types";
import type { Clock } from "../core/graph/resource.ts";
import { NoCredentials } from "./refusal.ts";

export type AwsCredentials = AwsCredentialIdentity;

/** Where credentials come from; one for all services and regions. */
export interface CredentialSource {
  /** Those of before until they end. @throws NoCredentials */
  current(): Promise<AwsCredentials>;
  /**
   * AWS does not accept `refused`: reads what they come from anew, once for all who ask.
   * @returns whether there are others now. @throws NoCredentials
   */
  renew(refused: AwsCredentials): Promise<boolean>;
}

export interface CredentialOptions {
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly profile: string | undefined;
  readonly region: string;
  readonly clock: Clock;
  /** Asks for the code of a second factor, `serial` naming the device; absent: there is nobody to ask. */
  readonly askForCode: ((serial: string) => Promise<string>) | undefined;
  /** Of STS and SSO, where they are not AWS's own. */
  readonly endpoint: string | undefined;
}

/** New ones are asked for so long before old ones end, in milliseconds; as long as none come, the old ones are used. */
const reserveMs = 5 * 60_000;

/** Read by `read` when first asked for. */
export function credentialSource(read: () => Promise<AwsCredentials>, clock: Clock): CredentialSource {
  let held: AwsCredentials | undefined;
  let reading: Promise<AwsCredentials> | undefined;
  const readOnce = () => {
    reading ??= read()
      .then(
        (found) => (held = found),
        (error: unknown) => {
          throw new NoCredentials(error);
        },
      )
      .finally(() => (reading = undefined));
    return reading;
  };
  const leftMs = (one: AwsCredentials) =>
    one.expiration === undefined ? Number.POSITIVE_INFINITY : one.expiration.getTime() - clock.now();
  return {
    async current() {
      if (held === undefined || leftMs(held) <= 0) return readOnce();
      if (leftMs(held) >= reserveMs) return held;
      const old = held;
      return readOnce().catch(() => old);
    },
    async renew(refused) {
      if (held !== undefined && !isSame(held, refused)) return true;
      return !isSame(await readOnce(), refused);
    },
  };
}

function isSame(one: AwsCredentials, other: AwsCredentials): boolean {
  return one.accessKeyId === other.accessKeyId && one.sessionToken === other.sessionToken;
}

/**
 * Keys in the variables (before a profile named there, as the aws program does it), else all that the SDK knows: the profile with
 * SSO, a role to assume, a second factor or a program; web identity; a container's or a machine's role. Nothing is remembered.
 */
export async function readCredentials(options: CredentialOptions): Promise<AwsCredentials> {
  const { variables, region, endpoint, askForCode } = options;
  const keys = options.profile === undefined ? keysIn(variables) : undefined;
  if (keys !== undefined) return keys;
  const { defaultProvider } = await import("@aws-sdk/credential-provider-node");
  const profile = options.profile ?? (variables.AWS_PROFILE || undefined);
  const { AWS_SHARED_CREDENTIALS_FILE: filepath, AWS_CONFIG_FILE: configFilepath } = variables;
  const reasons: string[] = [];
  const provider = defaultProvider({
    ...(profile !== undefined && { profile }),
    ...(filepath && { filepath }),
    ...(configFilepath && { configFilepath }),
    ...(askForCode !== undefined && { mfaCodeProvider: askForCode }),
    // A login that was renewed meanwhile is in the files, not in what was read of them.
    ignoreCache: true,
    clientConfig: { region, ...(endpoint !== undefined && { endpoint }) },
    logger: { ...silent, debug: (line: unknown) => void reasons.push(String(line)) },
  });
  return provider().catch((error: unknown) => {
    const reason = profile === undefined ? undefined : reasonOfProfile(reasons);
    throw reason === undefined ? error : new Error(reason, { cause: error });
  });
}

const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/**
 * The chain's error is only that its last link gave nothing: why the profile, an earlier one, did not is told to its log alone.
 * @returns undefined when the profile did not fail by itself
 */
function reasonOfProfile(log: readonly string[]): string | undefined {
  const begin = log.findIndex((line) => /defaultProvider::fromIni/.test(line));
  const end = log.findIndex((line) => /defaultProvider::fromProcess/.test(line));
  if (begin === -1 || end === -1) return undefined;
  const refusal = log.slice(begin, end).findLast((line) => /^@smithy\/property-provider /.test(line));
  // The command itself may hold what is nobody's business.
  return refusal
    ?.replace(/^\S+ \S+ /, "")
    .replace(/^Command failed: .*/, "its credential_process failed:")
    .replace(/\s+/g, " ");
}

function keysIn({
  AWS_ACCESS_KEY_ID: accessKeyId,
  AWS_SECRET_ACCESS_KEY: secretAccessKey,
  AWS_SESSION_TOKEN: sessionToken,
}: CredentialOptions["variables"]): AwsCredentials | undefined {
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) };
}
