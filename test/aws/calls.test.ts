import { RequestCertificateCommand } from "@aws-sdk/client-acm";
import { describe, expect, test } from "vitest";
import { type AwsOptions, connectAws } from "../../src/aws/connect-aws.ts";
import { awsErrorName } from "../../src/aws/refusal.ts";
import { Uncertain } from "../../src/core/graph/resource.ts";
import { temporaryFolder } from "../project/folder.ts";
import { type Emulator, startEmulator } from "./emulator.ts";

const signal = new AbortController().signal;

function awsOf(emulator: Emulator, options: Partial<AwsOptions> = {}) {
  const { variables, clock } = emulator;
  return connectAws({
    region: "us-east-1",
    clock,
    ...options,
    variables: { ...variables, ...options.variables },
  });
}

const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

/** One call of each protocol that AWS speaks: EC2's, XML, JSON, REST. */
async function askAll(aws: ReturnType<typeof awsOf>, { bucket, certificate }: Made): Promise<void> {
  await Promise.all([
    (await aws.ec2()).describeVpcs({}, signal),
    (await aws.iam()).getRole({ RoleName: "x" }, signal),
    (await aws.logs()).describeLogGroups({}, signal),
    (await aws.eks()).listClusters({}, signal),
    (await aws.s3()).listObjectsV2({ Bucket: bucket }, signal),
    (await aws.ecr()).describeRepositories({}, signal),
    (await aws.loadBalancers()).describeLoadBalancers({}, signal),
    (await aws.classicLoadBalancers()).describeLoadBalancers({}, signal),
    (await aws.autoScaling()).describeScalingActivities({}, signal),
    (await aws.quotas()).listServiceQuotas({ ServiceCode: "vpc" }, signal),
    (await aws.pricing()).getProducts({ ServiceCode: "AmazonEKS" }, signal),
    (await aws.sts()).getCallerIdentity({}, signal),
    (await aws.certificates()).describeCertificate({ CertificateArn: certificate }, signal),
  ]);
}

const ofAllServices = 13;

interface Made {
  /** Nobody else in the world may have its name. */
  readonly bucket: string;
  readonly certificate: string;
}

async function make(aws: ReturnType<typeof awsOf>, emulator: Emulator): Promise<Made> {
  const bucket = `bucket-${crypto.randomUUID()}`;
  await (await aws.iam()).createRole({ RoleName: "x", AssumeRolePolicyDocument: "{}" }, signal);
  await (await aws.s3()).createBucket({ Bucket: bucket }, signal);
  const request = new RequestCertificateCommand({ DomainName: "models.example.com", ValidationMethod: "DNS" });
  const { CertificateArn: certificate = "" } = await emulator.moto().acm.send(request);
  return { bucket, certificate };
}

describe("of every service", () => {
  // It is the first to load the SDK's clients, and moto the services.
  test("calls are answered, however often they are throttled, fail or break", { timeout: 120_000 }, async () => {
    await using emulator = await startEmulator();
    await using aws = awsOf(emulator);
    const made = await make(aws, emulator);
    for (const kind of ["throttle", "error", "unavailable", "reset", "lostReply"] as const) {
      const fault = emulator.faults.add({ op: "*", kind, rate: 0.5, seed: 3 });
      await askAll(aws, made);
      fault[Symbol.dispose]();
      expect(fault.met, kind).toBeGreaterThan(0);
    }
  });

  test("a missing right is named as IAM names it", async () => {
    await using emulator = await startEmulator();
    await using aws = awsOf(emulator);
    emulator.faults.add({ op: "*", kind: "denied", rate: 1 });
    const [ec2, iam, logs, eks, balancers, s3] = await Promise.all([
      aws.ec2(),
      aws.iam(),
      aws.logs(),
      aws.eks(),
      aws.loadBalancers(),
      aws.s3(),
    ]);
    const calls = {
      "ec2:DescribeVpcs": () => ec2.describeVpcs({}, signal),
      "iam:GetRole": () => iam.getRole({ RoleName: "x" }, signal),
      "logs:DescribeLogGroups": () => logs.describeLogGroups({}, signal),
      "eks:ListClusters": () => eks.listClusters({}, signal),
      "elasticloadbalancing:DescribeLoadBalancers": () => balancers.describeLoadBalancers({}, signal),
      "s3:ListBucket": () => s3.listObjectsV2({ Bucket: "our-bucket" }, signal),
    };
    for (const [action, call] of Object.entries(calls)) {
      expect(await failureOf(call())).toMatchObject({
        code: "NOT_AUTHORISED",
        message: expect.stringContaining(`may not ${action}`),
      });
    }
  });

  test("calls go on with AWS's time where this machine's is wrong", async () => {
    await using emulator = await startEmulator();
    await using aws = awsOf(emulator);
    const made = await make(aws, emulator);
    emulator.setSkew(-2 * 3_600_000);
    emulator.calls.clear();
    await askAll(aws, made);
    expect(emulator.calls.all.length).toBeLessThanOrEqual(2 * ofAllServices);
  });

  test("credentials that expire are read again, and the calls go on", async () => {
    await using emulator = await startEmulator();
    const [first, second] = [emulator.client(), emulator.client()];
    await using folder = await temporaryFolder({ credentials: profileOf(first.variables) });
    const profile = { AWS_SHARED_CREDENTIALS_FILE: `${folder.path}/credentials`, AWS_CONFIG_FILE: "/nonexistent" };
    await using aws = awsOf(emulator, { profile: "work", variables: profile });
    const made = await make(aws, emulator);
    await askAll(aws, made);
    first.expire();
    await folder.write({ credentials: profileOf(second.variables) });
    await askAll(aws, made);
    second.expire();
    await expect(askAll(aws, made)).rejects.toMatchObject({
      code: "NOT_AUTHORISED",
      message: "the AWS credentials of profile work have expired",
      hint: expect.stringContaining("aws sso login --profile work"),
    });
  });
});

test("what may have been made is not made twice, however the answer was lost", async () => {
  await using emulator = await startEmulator();
  await using aws = awsOf(emulator, { tryForMs: 4_000 });
  const ec2 = await aws.ec2();
  for (const kind of ["lostReply", "reset", "timeout", "error"] as const) {
    const fault = emulator.faults.add({ op: "ec2:CreateVpc", kind });
    expect(await failureOf(ec2.createVpc({ CidrBlock: "10.0.0.0/16" }, signal))).toBeInstanceOf(Uncertain);
    fault[Symbol.dispose]();
  }
  expect(emulator.calls.of("ec2:CreateVpc")).toHaveLength(4);
});

test("a name that is taken after an answer was lost is perhaps ours, before that it is not", async () => {
  await using emulator = await startEmulator();
  await using aws = awsOf(emulator);
  const iam = await aws.iam();
  const wish = { RoleName: "x", AssumeRolePolicyDocument: "{}" };
  emulator.faults.add({ op: "iam:CreateRole", kind: "lostReply" });
  const first = await failureOf(iam.createRole(wish, signal));
  expect(first).toBeInstanceOf(Uncertain);
  const second = await failureOf(iam.createRole(wish, signal));
  expect(second).toMatchObject({ code: "AWS_FAILED" });
  expect([awsErrorName(first), awsErrorName(second)]).toEqual(["EntityAlreadyExists", "EntityAlreadyExists"]);
});

test.each([
  ["ec2:CreateVpc", "quota", '"VPCs per Region'],
  ["ec2:AllocateAddress", "quota", '"EC2-VPC Elastic IPs'],
  ["ec2:AllocateAddress", "capacity", "AWS has none to give there now"],
] as const)("%s over its %s says which, and what to do", async (op, kind, said) => {
  await using emulator = await startEmulator();
  await using aws = awsOf(emulator);
  emulator.faults.add({ op, kind });
  const ec2 = await aws.ec2();
  const call =
    op === "ec2:CreateVpc" ? ec2.createVpc({ CidrBlock: "10.0.0.0/16" }, signal) : ec2.allocateAddress({}, signal);
  await expect(call).rejects.toMatchObject({ code: "NO_CAPACITY", hint: expect.stringContaining(said) });
});

test("half of all calls throttled: a hundred are answered within seconds of AWS's time", async () => {
  await using emulator = await startEmulator({ latencyMs: 120 });
  await using aws = awsOf(emulator);
  emulator.faults.add({ op: "*", kind: "throttle", rate: 0.5, seed: 11 });
  const ec2 = await aws.ec2();
  const begin = emulator.clock.now();
  await Promise.all(Array.from({ length: 100 }, () => ec2.describeVpcs({}, signal)));
  const tookMs = emulator.clock.now() - begin;
  expect(tookMs).toBeLessThan(90_000);
});

function profileOf({ AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: key }: Readonly<Record<string, string>>): string {
  return `[work]\naws_access_key_id=${id}\naws_secret_access_key=${key}\n`;
}
