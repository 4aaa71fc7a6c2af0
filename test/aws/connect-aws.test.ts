import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { connectAws } from "../../src/aws/connect-aws.ts";
import { answeredAt, awsErrorName } from "../../src/aws/refusal.ts";
import { Uncertain } from "../../src/core/graph/resource.ts";
import {
  ec2Error,
  jsonError,
  keys,
  made,
  queryError,
  scriptedAws,
  virtualClock,
  vpcs,
} from "./support/scripted-aws.ts";

const signal = new AbortController().signal;
const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("a call that AWS throttles", () => {
  test.each(["RequestLimitExceeded", "Throttling", "ThrottlingException", "SlowDown", "TooManyRequestsException"])(
    "%s: is sent again, also one that makes something",
    async (code) => {
      await using at = await scriptedAws((_, index) => (index < 9 ? ec2Error(code, "slow", 503) : made));
      const { Vpc } = await (await at.aws.ec2()).createVpc({ CidrBlock: "10.0.0.0/16" }, signal);
      expect(Vpc?.VpcId).toBe("vpc-2");
      expect(at.asked.length).toBe(10);
    },
  );

  test("is given up only after minutes, saying what to do", async () => {
    const clock = virtualClock();
    const begin = clock.now();
    await using at = await scriptedAws(() => ec2Error("RequestLimitExceeded", "Request limit exceeded."), { clock });
    await expect((await at.aws.ec2()).describeVpcs({}, signal)).rejects.toMatchObject({
      code: "TIMED_OUT",
      message: "AWS throttles ec2:DescribeVpcs in eu-west-1: Request limit exceeded",
      hint: expect.stringContaining("goes on where it stopped"),
    });
    expect(clock.now() - begin).toBeGreaterThanOrEqual(5 * 60_000);
    expect(at.asked.length).toBeLessThan(60);
  });

  test("holds back the others of its service, and none of another one", async () => {
    const clock = virtualClock();
    await using at = await scriptedAws(
      ({ operation }) =>
        operation === "GetRole" ? queryError("NoSuchEntity", "no such role", 404) : ec2Error("RequestLimitExceeded"),
      { clock, retryForMs: 60_000 },
    );
    const ec2 = await at.aws.ec2();
    const all = Promise.allSettled(Array.from({ length: 20 }, () => ec2.describeVpcs({}, signal)));
    const role = await failureOf((await at.aws.iam()).getRole({ RoleName: "x" }, signal));
    expect(awsErrorName(role)).toMatch(/NoSuchEntity/);
    await all;
    expect(at.asked.filter(({ operation }) => operation === "DescribeVpcs").length).toBeLessThan(80);
  });
});

describe("a call without an answer", () => {
  test("that only reads is sent again", async () => {
    await using at = await scriptedAws((_, index) => (index < 3 ? "reset" : vpcs));
    expect((await (await at.aws.ec2()).describeVpcs({}, signal)).Vpcs).toHaveLength(1);
    expect(at.asked.length).toBe(4);
  });

  test("that makes something without a token is not: it may have been done", async () => {
    await using at = await scriptedAws(() => "reset");
    const error = await failureOf((await at.aws.ec2()).createVpc({ CidrBlock: "10.0.0.0/16" }, signal));
    expect(error).toBeInstanceOf(Uncertain);
    expect(at.asked.length).toBe(1);
  });

  test("is one that AWS fails at, too", async () => {
    await using at = await scriptedAws(() => ec2Error("InternalError", "An internal error has occurred", 500));
    const error = await failureOf((await at.aws.ec2()).createVpc({ CidrBlock: "10.0.0.0/16" }, signal));
    expect(error).toBeInstanceOf(Uncertain);
    expect(awsErrorName(error)).toBe("InternalError");
  });

  test("whose answer takes too long is one", async () => {
    await using at = await scriptedAws(() => "hang", { tryForMs: 200 });
    const error = await failureOf((await at.aws.ec2()).createVpc({ CidrBlock: "10.0.0.0/16" }, signal));
    expect(error).toBeInstanceOf(Uncertain);
  });

  test("that finds what it makes already there afterwards has perhaps made it", async () => {
    await using at = await scriptedAws((_, index) =>
      index === 0 ? "reset" : queryError("EntityAlreadyExists", "Role with name x already exists.", 409),
    );
    const wish = { RoleName: "x", AssumeRolePolicyDocument: "{}" };
    const error = await failureOf((await at.aws.iam()).createRole(wish, signal));
    expect(error).toBeInstanceOf(Uncertain);
    expect(awsErrorName(error)).toMatch(/^EntityAlreadyExists/);
  });

  test("that finds it there at first has not", async () => {
    await using at = await scriptedAws(() => queryError("EntityAlreadyExists", "Role with name x exists.", 409));
    const wish = { RoleName: "x", AssumeRolePolicyDocument: "{}" };
    await expect((await at.aws.iam()).createRole(wish, signal)).rejects.toMatchObject({ code: "AWS_FAILED" });
  });

  test("ends as soon as it is told to", async () => {
    const controller = new AbortController();
    await using at = await scriptedAws(() => {
      setImmediate(() => controller.abort(new Error("enough")));
      return "hang";
    });
    await expect((await at.aws.ec2()).describeVpcs({}, controller.signal)).rejects.toThrow("enough");
  });
});

describe("what AWS refuses", () => {
  test("a missing right is named with what it is missing on", async () => {
    const message =
      "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: eks:CreateCluster on resource: arn:aws:eks:eu-west-1:123456789012:cluster/x because no identity-based policy allows the eks:CreateCluster action";
    await using at = await scriptedAws(() => jsonError("AccessDeniedException", message, 403));
    await expect((await at.aws.eks()).describeCluster({ name: "x" }, signal)).rejects.toMatchObject({
      code: "NOT_AUTHORISED",
      message:
        "arn:aws:iam::123456789012:user/ada may not eks:CreateCluster on arn:aws:eks:eu-west-1:123456789012:cluster/x: no identity-based policy allows the eks:CreateCluster action",
      hint: "ask for the right eks:CreateCluster; `cortex cluster iam-policy` prints all that a command needs",
    });
    expect(at.asked.length).toBe(1);
  });

  test("EC2's way of saying so names the call", async () => {
    const message = "You are not authorized to perform this operation. Encoded authorization failure message: AbC_-1";
    await using at = await scriptedAws(() => ec2Error("UnauthorizedOperation", message, 403));
    await expect((await at.aws.ec2()).describeVpcs({}, signal)).rejects.toMatchObject({
      code: "NOT_AUTHORISED",
      message:
        "whoever the AWS credentials belong to may not ec2:DescribeVpcs in eu-west-1: You are not authorized to perform this operation",
    });
  });

  test("a quota is named as Service Quotas calls it", async () => {
    const message = "The maximum number of VPCs has been reached.";
    await using at = await scriptedAws(() => ec2Error("VpcLimitExceeded", message));
    await expect((await at.aws.ec2()).createVpc({ CidrBlock: "10.0.0.0/16" }, signal)).rejects.toMatchObject({
      code: "NO_CAPACITY",
      message: "ec2:CreateVpc in eu-west-1: The maximum number of VPCs has been reached",
      hint: 'ask for more of "VPCs per Region (vpc, L-F678F1CE)" under Service Quotas in eu-west-1, or remove what is not used',
    });
  });

  test("all else keeps AWS's own name for those who decide by it", async () => {
    await using at = await scriptedAws(() => ec2Error("DependencyViolation", "The vpc has dependencies."));
    const error = await failureOf((await at.aws.ec2()).deleteVpc({ VpcId: "vpc-1" }, signal));
    expect(error).toMatchObject({ code: "AWS_FAILED", message: expect.stringContaining("ec2:DeleteVpc in eu-west-1") });
    expect(awsErrorName(error)).toBe("DependencyViolation");
  });
});

describe("credentials", () => {
  test("that have expired are read again, once for all who wait, and the calls go on", async () => {
    const folder = await mkdtemp(join(tmpdir(), "cortex-test-"));
    const file = join(folder, "credentials");
    const write = (id: string) =>
      writeFile(file, `[work]\naws_access_key_id=${id}\naws_secret_access_key=x\naws_session_token=t-${id}\n`);
    await write("OLD");
    let reads = 0;
    await using at = await scriptedAws(
      ({ authorization }) => {
        if (authorization.includes("Credential=NEW/")) return vpcs;
        reads += 1;
        return ec2Error("RequestExpired", "Request has expired.");
      },
      {
        profile: "work",
        variables: { AWS_SHARED_CREDENTIALS_FILE: file, AWS_CONFIG_FILE: "/nonexistent" },
      },
    );
    try {
      const ec2 = await at.aws.ec2();
      const waiting = ["a", "b", "c"].map(() => ec2.describeVpcs({}, signal));
      await write("NEW");
      expect((await Promise.all(waiting)).map(({ Vpcs }) => Vpcs?.length)).toEqual([1, 1, 1]);
      expect(reads).toBeLessThanOrEqual(3);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("that have expired for good: log in, and run it again", async () => {
    await using at = await scriptedAws(() => queryError("ExpiredToken", "The security token is expired", 403));
    await expect((await at.aws.iam()).getRole({ RoleName: "x" }, signal)).rejects.toMatchObject({
      code: "NOT_AUTHORISED",
      message: "the AWS credentials have expired",
      hint: "log in again (aws sso login), and run the same command again: it goes on where it stopped",
    });
    expect(at.asked.length).toBe(1);
  });

  test("that there are none of are told where they were looked for", async () => {
    await using at = await scriptedAws(() => vpcs, {
      profile: "nobody",
      variables: { AWS_SHARED_CREDENTIALS_FILE: "/nonexistent", AWS_CONFIG_FILE: "/nonexistent" },
    });
    await expect(at.aws.identity(signal)).rejects.toMatchObject({
      code: "NOT_AUTHORISED",
      message: expect.stringContaining("profile nobody gives no AWS credentials"),
    });
    expect(at.asked).toEqual([]);
  });

  test("never stand in an error", async () => {
    const message = "The request signature we calculated does not match the signature you provided.";
    await using at = await scriptedAws(() => queryError("SignatureDoesNotMatch", message, 403));
    const error = await failureOf((await at.aws.iam()).getRole({ RoleName: "x" }, signal));
    expect(JSON.stringify([error, String(error)])).not.toContain(keys.AWS_SECRET_ACCESS_KEY);
    expect(error).toMatchObject({ code: "NOT_AUTHORISED" });
  });
});

test("a machine whose clock is an hour wrong signs by AWS's", async () => {
  const ahead = 3_600_000;
  const now = () => new Date(Date.now() + ahead);
  await using at = await scriptedAws(({ signedAt }) => {
    const date = { date: now().toUTCString() };
    const isRight = Math.abs(now().getTime() - signedAt) < 5 * 60_000;
    return isRight ? { ...vpcs, headers: date } : ec2Error("RequestExpired", "Request has expired.", 400, date);
  });
  const answer = await (await at.aws.ec2()).describeVpcs({}, signal);
  expect(answer.Vpcs).toHaveLength(1);
  expect(at.asked.length).toBe(2);
  expect(Math.abs(answeredAt(answer)! - now().getTime())).toBeLessThan(5_000);
  const { token } = await at.aws.clusterToken("x", signal);
  const url = new URL(Buffer.from(token.slice("k8s-aws-v1.".length), "base64url").toString());
  expect(url.searchParams.get("X-Amz-Date")!.slice(0, 13)).toBe(
    now().toISOString().replaceAll(/[-:]/g, "").slice(0, 13),
  );
});

test("that nothing answers at all is told within seconds, not minutes", async () => {
  const clock = virtualClock();
  const begin = clock.now();
  const variables = { ...keys, AWS_ENDPOINT_URL: "http://127.0.0.1:1" };
  await using aws = connectAws({ region: "eu-west-1", variables, clock });
  await expect((await aws.ec2()).describeVpcs({}, signal)).rejects.toMatchObject({
    code: "AWS_FAILED",
    message: expect.stringContaining("AWS cannot be reached for ec2:DescribeVpcs in eu-west-1"),
  });
  expect(clock.now() - begin).toBeLessThan(20_000);
});

test("a proxy is taken from the variables that all programs take it from", async () => {
  await using proxy = await scriptedAws(() => vpcs);
  const variables = { ...keys, AWS_ENDPOINT_URL: "http://ec2.example.test", HTTP_PROXY: proxy.endpoint };
  await using aws = connectAws({ region: "eu-west-1", variables, clock: virtualClock() });
  expect((await (await aws.ec2()).describeVpcs({}, signal)).Vpcs).toHaveLength(1);
  expect(proxy.asked.map(({ operation }) => operation)).toEqual(["DescribeVpcs"]);
});

test("regions of an account share what is known of it, prices are asked for where they are told", async () => {
  const identity = `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/ada</Arn><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`;
  await using at = await scriptedAws(({ operation }) =>
    operation === "GetCallerIdentity"
      ? { body: identity }
      : { body: "{}", headers: { "content-type": "application/x-amz-json-1.1" } },
  );
  const other = at.aws.inRegion("us-west-2");
  expect(other.region).toBe("us-west-2");
  expect(at.aws.inRegion("us-west-2")).toBe(other);
  expect(await other.identity(signal)).toEqual({
    accountId: "123456789012",
    arn: "arn:aws:iam::123456789012:user/ada",
    partition: "aws",
  });
  await at.aws.identity(signal);
  await (await other.pricing()).getProducts({ ServiceCode: "AmazonEC2" }, signal);
  expect(at.asked.map(({ operation }) => operation)).toEqual(["GetCallerIdentity", "GetProducts"]);
  expect(at.asked[1]!.authorization).toContain("/us-east-1/pricing/");
});
