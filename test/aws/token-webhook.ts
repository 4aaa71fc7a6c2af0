import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { EKSClient, ListAccessEntriesCommand, ListAssociatedAccessPoliciesCommand } from "@aws-sdk/client-eks";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

export interface TokenWebhookOptions {
  /** Where an API server was told to ask; port 0 for any. */
  readonly host: string;
  readonly port: number;
  /** Of the emulator. */
  readonly endpoint: string;
  readonly region: string;
  /** The only ones there are: whoever signs with others is nobody. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** The EKS cluster that tokens are for. */
  readonly cluster: string;
}

export interface TokenWebhook extends AsyncDisposable {
  readonly url: string;
  /** Why tokens were refused, in order. */
  readonly refusals: readonly string[];
}

interface Review {
  readonly apiVersion: string;
  readonly kind: string;
  readonly spec: { readonly token: string };
}

interface User {
  readonly username: string;
  readonly groups: readonly string[];
}

/**
 * What an EKS control plane does with bearer tokens: takes the signed request to STS out of it, checks that it is for this cluster,
 * lasts, and is signed with keys that exist, and looks up what its access entry may do. Whoever has none is nobody.
 */
export async function startTokenWebhook(options: TokenWebhookOptions): Promise<TokenWebhook> {
  const refusals: string[] = [];
  const server = createServer(async (request, response) => {
    const review = JSON.parse(await textOf(request)) as Review;
    const outcome = await userOf(review.spec.token, options).catch((error: Error) => error.message);
    if (typeof outcome === "string") refusals.push(outcome);
    const status =
      typeof outcome === "string" ? { authenticated: false, error: outcome } : { authenticated: true, user: outcome };
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ apiVersion: review.apiVersion, kind: review.kind, status }));
  });
  server.listen(options.port, options.host);
  await once(server, "listening");
  return {
    url: `http://${options.host}:${(server.address() as AddressInfo).port}/`,
    refusals,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks = (await request.toArray()) as Buffer[];
  return Buffer.concat(chunks).toString();
}

/** @throws Error saying why the token is nobody's */
async function userOf(token: string, options: TokenWebhookOptions): Promise<User> {
  const [prefix, payload = ""] = token.split(".", 2);
  if (prefix !== "k8s-aws-v1") throw new Error("it is no token of AWS");
  const url = new URL(Buffer.from(payload, "base64url").toString());
  checkRequest(url, options);
  checkSignature(url, options);
  return userOfIdentity(options);
}

function checkRequest(url: URL, { region }: TokenWebhookOptions): void {
  if (url.protocol !== "https:" || url.host !== `sts.${region}.amazonaws.com`) throw new Error(`${url.host} is no STS`);
  if (url.pathname !== "/") throw new Error(`${url.pathname} is no path of STS`);
  if (url.searchParams.get("Action") !== "GetCallerIdentity") throw new Error("it asks STS for something else");
  if (!(Number(url.searchParams.get("X-Amz-Expires")) <= 900)) throw new Error("it lasts too long");
}

const lifeMs = 15 * 60_000;

/** Signature Version 4 of the request, with the cluster's name among what is signed. */
function checkSignature(url: URL, { credentials, cluster }: TokenWebhookOptions): void {
  const parameter = (name: string): string => url.searchParams.get(`X-Amz-${name}`) ?? "";
  const [key = "", date = "", region = "", service = "", end = ""] = parameter("Credential").split("/");
  if (key !== credentials.accessKeyId) throw new Error(`nobody has the key ${key}`);
  if (service !== "sts" || end !== "aws4_request") throw new Error("it is signed for another service");
  const names = parameter("SignedHeaders").split(";");
  if (!names.includes("host") || !names.includes("x-k8s-aws-id")) throw new Error("the cluster's name is not signed");
  const time = parameter("Date");
  const signedAt = Date.parse(time.replace(/^(....)(..)(..T..)(..)(..Z)$/, "$1-$2-$3:$4:$5"));
  if (!(Math.abs(Date.now() - signedAt) < lifeMs)) throw new Error(`it was signed at ${time}`);
  const values: Readonly<Record<string, string>> = { host: url.host, "x-k8s-aws-id": cluster };
  const headers = names.map((name) => `${name}:${values[name] ?? ""}\n`).join("");
  const canonical = ["GET", "/", canonicalQuery(url), headers, names.join(";"), sha256("")].join("\n");
  const scope = [date, region, service, end];
  const text = ["AWS4-HMAC-SHA256", time, scope.join("/"), sha256(canonical)].join("\n");
  const secret = scope.reduce<string | Buffer>(hmac, `AWS4${credentials.secretAccessKey}`);
  const given = Buffer.from(parameter("Signature"), "hex");
  const wanted = hmac(secret, text);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
    throw new Error(`it is not signed for the cluster ${cluster} with that key`);
  }
}

function canonicalQuery(url: URL): string {
  const encode = (text: string) =>
    encodeURIComponent(text).replaceAll(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
  return [...url.searchParams]
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join("&");
}

/** By the cluster's access entries; being its administrator is being one of `system:masters`. */
async function userOfIdentity({ endpoint, region, credentials, cluster }: TokenWebhookOptions): Promise<User> {
  const settings = { endpoint, region, credentials };
  const [sts, eks] = [new STSClient(settings), new EKSClient(settings)];
  try {
    const { Arn = "" } = await sts.send(new GetCallerIdentityCommand({}));
    const { accessEntries = [] } = await eks.send(new ListAccessEntriesCommand({ clusterName: cluster }));
    const principalArn = accessEntries.find((one) => principalOf(one) === principalOf(Arn));
    if (principalArn === undefined) throw new Error(`${cluster} has no access entry for ${Arn}`);
    const listed = await eks.send(new ListAssociatedAccessPoliciesCommand({ clusterName: cluster, principalArn }));
    const isAdmin = listed.associatedAccessPolicies?.some(({ policyArn, accessScope }) => {
      return policyArn?.endsWith("/AmazonEKSClusterAdminPolicy") && accessScope?.type === "cluster";
    });
    return { username: Arn, groups: ["system:authenticated", ...(isAdmin ? ["system:masters"] : [])] };
  } finally {
    sts.destroy();
    eks.destroy();
  }
}

/** A session of a role is the role. */
function principalOf(arn: string): string {
  return arn.replace(":sts:", ":iam:").replace(/:assumed-role\/([^/]+)\/.*$/, ":role/$1");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
