import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eksToken } from "../../src/aws/eks-token.ts";
import { type Emulator, startEmulator } from "./emulator.ts";
import { startTokenWebhook, type TokenWebhook } from "./token-webhook.ts";

const region = "us-east-1";
const cluster = "models";

interface Status {
  readonly authenticated: boolean;
  readonly error?: string;
  readonly user?: { readonly username: string; readonly groups: readonly string[] };
}

describe("whoever asks a control plane with a token of AWS", () => {
  let emulator: Emulator;
  let webhook: TokenWebhook;
  let credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };

  beforeAll(async () => {
    emulator = await startEmulator();
    const { AWS_ACCESS_KEY_ID: accessKeyId = "", AWS_SECRET_ACCESS_KEY: secretAccessKey = "" } = emulator.variables;
    credentials = { accessKeyId, secretAccessKey };
    webhook = await startTokenWebhook({
      host: "127.0.0.1",
      port: 0,
      endpoint: emulator.endpoint,
      region,
      credentials,
      cluster,
    });
  }, 120_000);
  afterAll(async () => {
    await webhook?.[Symbol.asyncDispose]();
    await emulator?.[Symbol.asyncDispose]();
  });

  const ask = async (token: string): Promise<Status> => {
    const review = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec: { token } };
    const answer = await fetch(webhook.url, { method: "POST", body: JSON.stringify(review) });
    return ((await answer.json()) as { readonly status: Status }).status;
  };
  const token = (wish: Partial<Parameters<typeof eksToken>[0]> = {}) =>
    eksToken({ cluster, region, credentials, now: Date.now(), ...wish });
  const forged = (from: string, to: string) => {
    const [prefix, payload = ""] = token().split(".");
    const url = Buffer.from(payload, "base64url").toString().replace(from, to);
    return `${prefix}.${Buffer.from(url).toString("base64url")}`;
  };

  test.each([
    ["for another cluster", () => token({ cluster: "others" }), "is not signed for the cluster models"],
    ["by another secret", () => token({ credentials: { ...credentials, secretAccessKey: "x" } }), "is not signed"],
    [
      "by a key that nobody has",
      () => token({ credentials: { ...credentials, accessKeyId: "x" } }),
      "nobody has the key x",
    ],
    ["an hour ago", () => token({ now: Date.now() - 3_600_000 }), "it was signed at"],
    [
      "for a host of somebody's own",
      () => forged("sts.us-east-1.amazonaws.com", "example.com"),
      "example.com is no STS",
    ],
    ["for something else", () => forged("GetCallerIdentity", "GetSessionToken"), "asks STS for something else"],
    ["without a word of AWS", () => "eyJhbGciOiJSUzI1NiJ9.e30.x", "is no token of AWS"],
  ])("is nobody when it is signed %s", async (_, made, why) => {
    expect(await ask(made())).toEqual({ authenticated: false, error: expect.stringContaining(why) });
  });

  test("is nobody without a cluster that knows of it", async () => {
    expect((await ask(token())).authenticated).toBe(false);
  });
});
