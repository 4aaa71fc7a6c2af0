import { createHash, createHmac } from "node:crypto";
import type { AwsCredentials } from "./credentials.ts";

export interface TokenWish {
  readonly cluster: string;
  readonly region: string;
  readonly credentials: AwsCredentials;
  /** Milliseconds since the epoch, by AWS's clock. */
  readonly now: number;
}

/** How long a cluster takes a token for, by its date, in milliseconds. */
export const tokenLifeMs = 15 * 60_000;

const prefix = "k8s-aws-v1.";
/** Of a request without a body. */
const emptyHash = sha256("");

/**
 * The token that an EKS cluster knows an AWS identity by: a signed request to STS, which the cluster sends to ask who signed it.
 * Pure: nothing is sent. Written out here because the SDK's signer would take longer to load than all that a command does.
 */
export function eksToken({ cluster, region, credentials, now }: TokenWish): string {
  const time = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const date = time.slice(0, 8);
  const scope = `${date}/${region}/sts/aws4_request`;
  const host = stsHost(region);
  const query = new Map([
    ["Action", "GetCallerIdentity"],
    ["Version", "2011-06-15"],
    ["X-Amz-Algorithm", "AWS4-HMAC-SHA256"],
    ["X-Amz-Credential", `${credentials.accessKeyId}/${scope}`],
    ["X-Amz-Date", time],
    ["X-Amz-Expires", "60"],
    ...(credentials.sessionToken ? [["X-Amz-Security-Token", credentials.sessionToken] as const] : []),
    ["X-Amz-SignedHeaders", "host;x-k8s-aws-id"],
  ]);
  const text = [...query].map(([name, value]) => `${name}=${percentEncoded(value)}`).join("&");
  const canonical = ["GET", "/", text, `host:${host}`, `x-k8s-aws-id:${cluster}`, "", "host;x-k8s-aws-id", emptyHash];
  const signed = ["AWS4-HMAC-SHA256", time, scope, sha256(canonical.join("\n"))].join("\n");
  const key = [date, region, "sts", "aws4_request"].reduce<string | Buffer>(hmac, `AWS4${credentials.secretAccessKey}`);
  const url = `https://${host}/?${text}&X-Amz-Signature=${hmac(key, signed).toString("hex")}`;
  return prefix + Buffer.from(url).toString("base64url");
}

function stsHost(region: string): string {
  const domain = region.startsWith("cn-")
    ? "amazonaws.com.cn"
    : region.startsWith("eusc-")
      ? "amazonaws.eu"
      : undefined;
  return `sts.${region}.${domain ?? "amazonaws.com"}`;
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** As signatures want it, which leaves fewer characters alone than JavaScript does. */
function percentEncoded(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}
