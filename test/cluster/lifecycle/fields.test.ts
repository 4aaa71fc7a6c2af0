import { expect, test } from "vitest";
import { fieldOfFailure } from "../../../src/cluster/lifecycle/fields.ts";
import { CortexError, type ErrorCode } from "../../../src/core/errors.ts";
import { wantedFor } from "../support/wanted.ts";

const certificate = "arn:aws:acm:us-east-1:123456789012:certificate/1a2b";
const text = `
node_groups:
  - { name: cpu, instance_type: m5.large }
  - { name: mixed, instance_type: m5.large, spot: true, spot_config: { on_demand_base_capacity: 1 } }
nat_gateway: single
ssl_certificate_arn: ${certificate}
iam_policy_arns: [arn:aws:iam::123456789012:policy/models]
`;

async function fieldOf(id: string, message = "it failed", code: ErrorCode = "FAILED", cause?: unknown) {
  const { cluster, all } = await wantedFor(text);
  const error = new CortexError(code, message, { cause });
  return fieldOfFailure({ id, error }, { cluster, wanted: all });
}

test("what failed is about the field that asks for it", async () => {
  expect(await fieldOf("node-group/cpu")).toBe("node_groups.cpu");
  expect(await fieldOf("launch-template/cpu")).toBe("node_groups.cpu");
  expect(await fieldOf("node-group/mixed_base")).toBe("node_groups.mixed");
  expect(await fieldOf("nat-gateway/us-east-1a", "no", "NO_CAPACITY")).toBe("nat_gateway");
  expect(await fieldOf("vpc")).toBe("vpc_cidr");
  expect(await fieldOf("bucket")).toBeUndefined();
});

test("what AWS names is what it is about", async () => {
  expect(await fieldOf("role/nodes", "policy arn:aws:iam::123456789012:policy/models is not attachable")).toBe(
    "iam_policy_arns",
  );
  expect(await fieldOf("inside/gateway", `${certificate} is not found`)).toBe("ssl_certificate_arn");
  expect(await fieldOf("inside", "no answer", "CLUSTER_UNREACHABLE")).toBe("operator_load_balancer_cidr_white_list");
});

test("what has its cause elsewhere is about no field", async () => {
  expect(await fieldOf("node-group/cpu", "the credentials have expired", "NOT_AUTHORISED")).toBeUndefined();
  expect(
    await fieldOf("node-group/cpu", "AWS cannot be reached", "AWS_FAILED", new Error("ENOTFOUND")),
  ).toBeUndefined();
  const said = Object.assign(new Error("no"), {
    name: "InvalidParameterException",
    $metadata: { httpStatusCode: 400 },
  });
  expect(await fieldOf("node-group/cpu", "eks:CreateNodegroup: no", "AWS_FAILED", said)).toBe("node_groups.cpu");
});
