import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { judge } from "../../../src/cluster/resources/addon.ts";
import { networkOf } from "../../../src/cluster/resources/control-plane-differences.ts";
import { stateOf } from "../../../src/cluster/resources/control-plane-state.ts";
import { awaitsRole, issuesText } from "../../../src/cluster/resources/eks-calls.ts";
import { contentText, parseContent } from "../../../src/cluster/resources/launch-template.ts";
import { namesOf } from "../../../src/cluster/resources/names.ts";
import { isOurs } from "../../../src/cluster/resources/node-group-state.ts";
import { canonicalPolicy, clusterAutoscalerPolicy } from "../../../src/cluster/resources/role-policies.ts";
import { validZonesOf } from "../../../src/cluster/resources/valid-zones.ts";

function refused(name: string, message: string, rest: object = {}): Error {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode: 400 }, ...rest });
}

describe("an add-on", () => {
  test("is ready when it is active, and goes on while pods still start", () => {
    expect(judge({ status: "ACTIVE" }, [], false)).toBe("ready");
    expect(judge({ status: "CREATING" }, [], false)).toBe("waiting");
    expect(judge({ status: "DEGRADED" }, ["InsufficientNumberOfReplicas"], false)).toBe("waiting");
  });

  test("is not waited for before there are nodes", () => {
    expect(judge({ status: "CREATING" }, [], true)).toBe("ready");
    expect(judge({ status: "DEGRADED" }, ["InsufficientNumberOfReplicas"], true)).toBe("ready");
  });

  test("is given up as soon as it cannot become so", () => {
    expect(judge({ status: "CREATE_FAILED" }, [], false)).toBe("failed");
    expect(judge({ status: "DEGRADED" }, ["AccessDenied"], false)).toBe("failed");
    expect(judge({ status: "CREATING" }, ["ConfigurationConflict"], true)).toBe("failed");
  });
});

describe("a refusal of EKS", () => {
  test.each([
    "Role with arn: arn:aws:iam::123456789012:role/c-nodes, could not be assumed because it does not exist or the trusted entity is not correct",
    "Error in role params",
    "The provided role doesn't have the Amazon EKS Managed Policies associated with it.",
    "IAM role's policy must include the `ec2:DescribeSubnets` action",
    "roleArn, arn:aws:iam::123456789012:role/c, does not exist",
  ])("that is about a role EKS has not heard of is waited for: %s", (message) => {
    expect(awaitsRole(refused("InvalidParameterException", message))).toContain("heard of the IAM role");
  });

  test("that is about something else is not", () => {
    expect(awaitsRole(refused("InvalidParameterException", "The subnet ID 'subnet-1' does not exist"))).toBe(false);
    expect(awaitsRole(refused("ResourceInUseException", "role could not be assumed"))).toBe(false);
  });

  test("that is about zones names those with room", () => {
    const message = "Cannot create cluster 'c' because us-east-1e does not currently have sufficient capacity.";
    const error = refused("UnsupportedAvailabilityZoneException", message, {
      validZones: ["us-east-1a", "us-east-1b"],
    });
    expect(validZonesOf(new Error("eks:CreateCluster failed", { cause: error }))).toEqual(["us-east-1a", "us-east-1b"]);
    expect(validZonesOf(new Error("something else"))).toBeUndefined();
  });
});

describe("a node group without our tags", () => {
  const nodegroupArn = "arn:aws:eks:us-east-1:123456789012:nodegroup/models/cpu/1";
  const role = namesOf({ clusterName: "models", accountId: "123456789012", region: "us-east-1" }).role("nodes");
  const lost = {
    nodegroupName: "cpu",
    nodegroupArn,
    nodeRole: `arn:aws:iam::123456789012:role/${role}`,
    launchTemplate: { id: "lt-1", name: "models-cpu" },
    labels: { "cortex.dev/node-group": "cpu" },
  };

  test("is ours when it has the role and the launch template that only Cortex names so", () => {
    expect(isOurs(lost, "models")).toBe(true);
  });

  test.each([
    ["a role of somebody's", { nodeRole: "arn:aws:iam::123456789012:role/eksctl-nodes" }],
    ["a launch template of somebody's", { launchTemplate: { id: "lt-1", name: "eksctl-models-cpu" } }],
    ["the tag of another cluster", { tags: { "cortex.dev/cluster-name": "other" } }],
  ])("is not ours with %s, whatever its labels are", (_, theirs) => {
    expect(isOurs({ ...lost, ...theirs }, "models")).toBe(false);
  });
});

test("issues are told in a line, each once, with what they are about", () => {
  expect(
    issuesText([
      { code: "AccessDenied", message: "Not allowed.", resourceIds: ["i-1"] },
      { code: "AccessDenied", message: "Not allowed.", resourceIds: ["i-1"] },
      { code: "NodeCreationFailure" },
    ]),
  ).toBe("AccessDenied: Not allowed (i-1); NodeCreationFailure");
  expect(issuesText()).toBe("");
});

describe("address ranges", () => {
  test.each([
    ["10.1.2.3/8", "10.0.0.0/8"],
    ["192.168.7.9/32", "192.168.7.9/32"],
    ["255.255.255.255/0", "0.0.0.0/0"],
    ["203.0.113.200/25", "203.0.113.128/25"],
  ])("%s is written back as %s", (cidr, network) => expect(networkOf(cidr)).toBe(network));

  test("of a network are what they are", () => {
    const octet = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(octet, octet, octet, octet, fc.integer({ min: 0, max: 32 }), (a, b, c, d, length) => {
        const once = networkOf(`${a}.${b}.${c}.${d}/${length}`);
        expect(networkOf(once)).toBe(once);
      }),
    );
  });
});

test("what a launch template is like is read back as it was written", () => {
  const disk = fc.record(
    {
      sizeGB: fc.integer({ min: 20, max: 16_384 }),
      type: fc.constantFrom("gp2", "gp3", "io1", "st1", "sc1"),
      iops: fc.integer({ min: 100, max: 64_000 }),
      throughput: fc.integer({ min: 125, max: 1000 }),
    },
    { requiredKeys: ["sizeGB", "type"] },
  );
  fc.assert(
    fc.property(disk, fc.integer({ min: 1 }), fc.integer({ min: 1 }), (written, version, diskVersion) => {
      const text = contentText({ version, diskVersion }, written);
      expect(parseContent(text)).toEqual({ version, diskVersion, disk: written });
      expect(text).toMatch(/^[-\w .:/=+@]{1,256}$/);
    }),
  );
  expect(parseContent("")).toBeUndefined();
  expect(parseContent("written by hand")).toBeUndefined();
});

describe("policies", () => {
  const place = { partition: "aws", region: "us-east-1", accountId: "123456789012", clusterName: "c" };

  test("are the same however IAM writes them back", () => {
    const policy = clusterAutoscalerPolicy(place);
    const encoded = encodeURIComponent(JSON.stringify(policy));
    expect(canonicalPolicy(encoded)).toBe(canonicalPolicy(JSON.stringify(policy, null, 2)));
    expect(canonicalPolicy('{"Statement":[{"Action":["a"]}]}')).toBe(canonicalPolicy('{"Statement":{"Action":"a"}}'));
    expect(canonicalPolicy('{"Action":["a"]}')).not.toBe(canonicalPolicy('{"Action":["a","b"]}'));
  });

  test("let the autoscaler change groups of its own cluster only", () => {
    const changing = clusterAutoscalerPolicy(place).Statement.filter(({ Action }) =>
      Action.some((action) => !/:(Describe|Get)/.test(action)),
    );
    expect(changing).toEqual([
      expect.objectContaining({
        Condition: { StringEquals: { "aws:ResourceTag/k8s.io/cluster-autoscaler/c": "owned" } },
      }),
    ]);
  });
});

test("a control plane is read as EKS describes it", () => {
  const state = stateOf({
    name: "c",
    arn: "arn",
    version: "1.34",
    status: "ACTIVE",
    endpoint: "https://1.eks.amazonaws.com",
    certificateAuthority: { data: "UEVN" },
    resourcesVpcConfig: { subnetIds: ["subnet-a"], endpointPublicAccess: true, clusterSecurityGroupId: "sg-1" },
    logging: {
      clusterLogging: [
        { types: ["api"], enabled: true },
        { types: ["audit"], enabled: false },
      ],
    },
    health: { issues: [{ code: "Ec2SubnetNotFound", message: "it is gone", resourceIds: ["subnet-a"] }] },
  });
  expect(state).toMatchObject({
    authorities: "UEVN",
    securityGroupId: "sg-1",
    logTypes: ["api"],
    isPublic: true,
    isPrivate: false,
    issues: "Ec2SubnetNotFound: it is gone (subnet-a)",
  });
});
