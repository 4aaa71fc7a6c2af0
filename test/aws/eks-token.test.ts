import { createHash, createHmac } from "node:crypto";
import { SignatureV4 } from "@smithy/signature-v4";
import { expect, test } from "vitest";
import { eksToken } from "../../src/aws/eks-token.ts";

/** As the SDK wants a hash. */
class Sha256 {
  readonly #hash;

  constructor(secret?: string | Uint8Array) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", secret);
  }

  update(data: string | Uint8Array): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

const now = Date.UTC(2026, 10, 26, 12, 34, 56);

test.each([
  { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" },
  { accessKeyId: "ASIAEXAMPLE", secretAccessKey: "secret", sessionToken: "IQoJb3JpZ2lu//+==(!*')" },
])("a token is the request to STS that the SDK would sign", async (credentials) => {
  const token = eksToken({ cluster: "cortex", region: "eu-central-1", credentials, now });
  const signer = new SignatureV4({ credentials, region: "eu-central-1", service: "sts", sha256: Sha256 as never });
  const signed = await signer.presign(
    {
      method: "GET",
      protocol: "https:",
      hostname: "sts.eu-central-1.amazonaws.com",
      path: "/",
      query: { Action: "GetCallerIdentity", Version: "2011-06-15" },
      headers: { host: "sts.eu-central-1.amazonaws.com", "x-k8s-aws-id": "cortex" },
    } as never,
    { expiresIn: 60, signingDate: new Date(now), unhoistableHeaders: new Set(["x-k8s-aws-id"]) },
  );
  const url = new URL(Buffer.from(token.slice("k8s-aws-v1.".length), "base64url").toString());
  expect(token).toMatch(/^k8s-aws-v1\.[A-Za-z0-9_-]+$/);
  expect(url.host).toBe("sts.eu-central-1.amazonaws.com");
  expect(Object.fromEntries(url.searchParams)).toEqual(signed.query);
});

test("in China STS has another name", () => {
  const credentials = { accessKeyId: "A", secretAccessKey: "s" };
  const token = eksToken({ cluster: "cortex", region: "cn-north-1", credentials, now });
  expect(Buffer.from(token.slice(11), "base64url").toString()).toMatch(
    /^https:\/\/sts\.cn-north-1\.amazonaws\.com\.cn\//,
  );
});
