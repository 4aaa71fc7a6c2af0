import { execFileSync } from "node:child_process";
import { ImportCertificateCommand, RequestCertificateCommand } from "@aws-sdk/client-acm";
import { AllocateAddressCommand, CreateVpcCommand, RunInstancesCommand } from "@aws-sdk/client-ec2";
import { beforeAll, describe, expect, test } from "vitest";
import { rightsFor } from "../../../src/cluster/policies.ts";
import { preflight } from "../../../src/cluster/preflight/preflight.ts";
import { readFacts } from "../../../src/cluster/preflight/read-facts.ts";
import { CortexError } from "../../../src/core/errors.ts";
import { clusterFrom } from "../support/clusters.ts";
import { type Emulated, emulated } from "../support/emulated.ts";

const small = "node_groups: [{name: cpu, instance_type: m5.large}]\n";
const defaultVersion = "1.34";
const creates = [
  "vpc",
  "internet-gateway",
  "nat-address/us-east-1a",
  "nat-gateway/us-east-1a",
  "control-plane",
  "node-group/cpu",
  "addon/coredns",
  "addon/metrics-server",
];

async function factsOf({ aws, signal }: Emulated, text: string, standing = {}) {
  return readFacts({ cluster: await clusterFrom(text), aws, standing, defaultVersion }, signal);
}

/** @returns what `text` as a new cluster is warned of; rejects with all that stands against it */
async function look({ aws, emulator, signal }: Emulated, text = small, changesLoadBalancer = true) {
  const cluster = await clusterFrom(text);
  const scope = { clusterName: cluster.cluster_name, region: aws.region, accountId: emulator.account };
  const needs = rightsFor("up", scope);
  const facts = await readFacts({ cluster, aws, standing: {}, defaultVersion }, signal).catch(
    (error: unknown) => error,
  );
  const known =
    facts instanceof Error ? { factsFailure: facts } : { facts: facts as Awaited<ReturnType<typeof readFacts>> };
  const plan = { needs, creates: facts instanceof Error ? [] : creates, changesLoadBalancer };
  return preflight({ aws, cluster, ...known, ...plan }, signal);
}

async function refusal(work: Promise<unknown>): Promise<CortexError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof CortexError)) throw new Error("nothing stood against it", { cause: error });
  return error;
}

beforeAll(async () => {
  await using one = await emulated();
  await one.aws.identity(one.signal);
});

describe("facts", () => {
  test("are what AWS knows of zones and instance types", async () => {
    await using account = await emulated();
    const facts = await factsOf(
      account,
      "node_groups: [{name: gpu, instance_type: g4dn.xlarge}, {name: arm, instance_type: m6g.large}]",
    );
    expect(facts.zones.map(({ name }) => name)).toHaveLength(3);
    expect(facts.zones.some(({ id }) => id === "use1-az3")).toBe(false);
    expect(facts.kubernetesVersion).toBe("1.34");
    expect(facts.identity.accountId).toBe(account.emulator.account);
    expect(facts.instanceTypes.get("g4dn.xlarge")).toEqual({
      name: "g4dn.xlarge",
      vcpus: 4,
      memoryMiB: 16_384,
      gpus: 1,
      infs: 0,
      architecture: "amd64",
    });
    expect(facts.instanceTypes.get("m6g.large")?.architecture).toBe("arm64");
  });

  test("of a cluster that exists stay what they were", async () => {
    await using account = await emulated();
    const standing = { zones: ["us-east-1f", "us-east-1b"], kubernetesVersion: "1.33" };
    const facts = await factsOf(account, small, standing);
    expect(facts.zones.map(({ name }) => name)).toEqual(standing.zones);
    expect(facts.kubernetesVersion).toBe("1.33");
  });

  test("that cannot be had are all told at once", async () => {
    await using account = await emulated();
    const error = await refusal(
      factsOf(
        account,
        "node_groups: [{name: cpu, instance_type: m5.99xlarge}, {name: spot, instance_type: m5.large, spot: true, spot_config: {instance_distribution: [t3.medium]}}]\navailability_zones: [us-east-1a, us-east-1z]",
      ),
    );
    expect(error.code).toBe("SPEC_INVALID");
    expect(error.problems.map(({ message }) => message)).toEqual([
      "node_groups.cpu.instance_type: there is no m5.99xlarge in us-east-1",
      "availability_zones: there is no zone us-east-1z in us-east-1",
      "node_groups.spot.spot_config.instance_distribution: t3.medium cannot stand in for m5.large: it has 4096 MiB of memory instead of 8192",
    ]);
  });

  test("of the user's own subnets are their network, their zones and their ways out", async () => {
    await using account = await emulated();
    const { ec2 } = account.emulator.moto();
    const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: "10.0.0.0/16" }));
    const made = await makeSubnets(account, Vpc!.VpcId!, ["us-east-1a", "us-east-1b"]);
    const named = made.map(({ id, zone }) => `{subnet_id: ${id}, availability_zone: ${zone}}`).join(", ");
    const facts = await factsOf(account, `${small}subnet_visibility: private\nsubnets: [${named}]`);
    expect(facts.ownNetwork).toEqual({ vpcId: Vpc!.VpcId, subnets: made.map((one) => ({ ...one, isPublic: false })) });
    expect(facts.zones.map(({ name }) => name)).toEqual(["us-east-1a", "us-east-1b"]);
    const error = await refusal(factsOf(account, `${small}subnets: [${named}]`));
    expect(error.problems[0]?.message).toContain(
      "has no route to an internet gateway, and subnet_visibility is public",
    );
  });
});

describe("what is looked at before anything is made", () => {
  test("is fine in an account that may and has room", async () => {
    await using account = await emulated();
    expect(await look(account)).toEqual([]);
    expect(account.emulator.calls.of("*:Create*")).toEqual([]);
  });

  test("is whether the policies that the file names are there", async () => {
    await using account = await emulated();
    const made = `arn:aws:iam::${account.emulator.account}:policy/made-up`;
    const error = await refusal(
      look(account, `${small}iam_policy_arns: [arn:aws:iam::aws:policy/AmazonS3FullAccess, ${made}]\n`),
    );
    expect(error).toMatchObject({ code: "SPEC_INVALID", message: `iam_policy_arns: there is no policy ${made}` });
  });

  test("is whether the certificate that the file names is there and in force", async () => {
    await using account = await emulated();
    const { acm } = account.emulator.moto();
    const file = (arn: string) => `${small}ssl_certificate_arn: ${arn}\n`;
    const made = `arn:aws:acm:us-east-1:${account.emulator.account}:certificate/made-up`;
    expect(await refusal(look(account, file(made)))).toMatchObject({
      code: "SPEC_INVALID",
      message: `ssl_certificate_arn: there is no certificate ${made}`,
      hint: "`aws acm list-certificates --region us-east-1` lists those there are",
    });
    const request = new RequestCertificateCommand({ DomainName: "models.example.com", ValidationMethod: "DNS" });
    const { CertificateArn: pending = "" } = await acm.send(request);
    const message = `ssl_certificate_arn: certificate ${pending} is not issued yet: ACM waits for its validation`;
    expect(await refusal(look(account, file(pending)))).toMatchObject({ code: "SPEC_INVALID", message });
    // A load balancer that has it already is not taken away for that.
    expect(await look(account, file(pending), false)).toEqual([expect.stringContaining(message)]);
    const theirs = "arn:aws:acm:us-east-1:999999999999:certificate/1a2b";
    expect((await refusal(look(account, file(theirs)))).message).toContain(
      `the certificate is of account 999999999999, the cluster of ${account.emulator.account}`,
    );
    const { Certificate, PrivateKey } = selfSigned();
    const imported = await acm.send(new ImportCertificateCommand({ Certificate, PrivateKey }));
    expect(await look(account, file(imported.CertificateArn!))).toEqual([]);
  });

  test("is every right, and those that are missing are named together", async () => {
    await using account = await emulated({ denied: ["ec2:CreateVpc", "eks:CreateNodegroup", "iam:PassRole"] });
    const error = await refusal(look(account));
    expect(error.code).toBe("NOT_AUTHORISED");
    expect(error.message).toContain("may not ec2:CreateVpc, eks:CreateNodegroup, iam:PassRole");
    expect(error.hint).toContain("cortex cluster iam-policy up");
  });

  test("is left out with a word where rights may not be looked at", async () => {
    await using account = await emulated({ denied: ["iam:SimulatePrincipalPolicy", "servicequotas:*"] });
    expect(await look(account)).toEqual([
      expect.stringContaining("your rights were not looked at beforehand"),
      expect.stringContaining("the quotas of the account were not looked at beforehand"),
    ]);
  });

  test("are quotas by what is in use already", async () => {
    await using account = await emulated({ quotas: { "L-1216C47A": 5, "L-0263D0A3": 1, "L-F678F1CE": 1 } });
    const { ec2 } = account.emulator.moto();
    await ec2.send(new AllocateAddressCommand({ Domain: "vpc" }));
    const image = { ImageId: "ami-12c6146b", MinCount: 1, MaxCount: 1 };
    await ec2.send(new RunInstancesCommand({ ...image, InstanceType: "m5.xlarge" }));
    const error = await refusal(look(account));
    expect(error.code).toBe("NO_CAPACITY");
    expect(error.problems.map(({ message }) => message)).toEqual([
      "VPCs: 1 of 1 are in use, and 1 more are needed",
      "Elastic IP addresses: 1 of 1 are in use, and 1 more are needed",
      "processors of on-demand Standard (A, C, D, H, I, M, R, T, Z) instances: 4 of 5 are in use, and 2 more are needed",
    ]);
    expect(error.problems[2]?.hint).toContain("servicequotas/home/services/ec2/quotas/L-1216C47A");
  });

  test("warns of what the cluster may come to need", async () => {
    await using account = await emulated({ quotas: { "L-1216C47A": 8 } });
    expect(await look(account)).toEqual([
      expect.stringContaining("8 is the most, and this cluster may come to need 10 more"),
    ]);
  });

  test("is whether EKS has the add-ons and the version of Kubernetes", async () => {
    await using account = await emulated({ withoutAddons: ["metrics-server"] });
    expect(await refusal(look(account))).toMatchObject({
      code: "NOT_SUPPORTED",
      message: "EKS does not offer the add-on metrics-server for Kubernetes 1.34 in us-east-1",
    });
    expect(await refusal(look(account, `${small}kubernetes_version: 1.19\n`))).toMatchObject({
      code: "SPEC_INVALID",
      message: "kubernetes_version: EKS does not offer 1.19 in us-east-1",
      hint: "it offers 1.32, 1.33, 1.34, 1.35, 1.36",
    });
  });

  test("tells reasons of every kind together", async () => {
    await using account = await emulated({ denied: ["ec2:CreateVpc"] });
    const error = await refusal(look(account, "node_groups: [{name: cpu, instance_type: m5.99xlarge}]"));
    expect(error).toMatchObject({
      code: "NOT_AUTHORISED",
      message: "2 things stand against cluster cortex in us-east-1",
    });
    expect(error.problems.map(({ message }) => message)).toEqual([
      "node_groups.cpu.instance_type: there is no m5.99xlarge in us-east-1",
      expect.stringContaining("may not ec2:CreateVpc"),
    ]);
  });
});

async function makeSubnets({ aws, signal }: Emulated, vpc: string, zones: readonly string[]) {
  const ec2 = await aws.ec2();
  return Promise.all(
    zones.map(async (zone, index) => {
      const input = { VpcId: vpc, CidrBlock: `10.0.${index}.0/24`, AvailabilityZone: zone };
      const { Subnet } = await ec2.createSubnet(input, signal);
      return { id: Subnet!.SubnetId!, zone };
    }),
  );
}

/** @returns as ACM takes them in */
function selfSigned() {
  const wish = ["-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=models.example.com"];
  const made = execFileSync("openssl", ["req", "-x509", ...wish, "-keyout", "-"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [key = "", certificate = ""] = made.toString().split(/(?=-----BEGIN CERTIFICATE)/);
  return { Certificate: Buffer.from(certificate), PrivateKey: Buffer.from(key) };
}
