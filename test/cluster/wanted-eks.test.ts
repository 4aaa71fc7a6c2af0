import { describe, expect, test } from "vitest";
import { planUp } from "../../src/core/graph/plan-up.ts";
import { wantedFor } from "./support/wanted.ts";

async function wanted(text: string) {
  const { all, kinds } = await wantedFor(text);
  return {
    all,
    kinds,
    wishOf: (id: string) => all.find((one) => one.id === id)?.wish as never,
    needsOf: (id: string) => all.find((one) => one.id === id)?.needs ?? [],
  };
}

const twoGroups = `
node_groups:
  - { name: cpu, instance_type: m5.large, min_instances: 2 }
  - { name: gpu, instance_type: g4dn.xlarge, spot: true, min_instances: 0 }
`;

describe("what runs in a network", () => {
  test("is planned in an order that can be kept", async () => {
    const { all, kinds } = await wanted(twoGroups);
    const { steps } = planUp({ kinds, wanted: all, found: new Map() });
    expect(steps.every(({ action }) => action === "create")).toBe(true);
    const places = new Map(steps.map(({ id }, index) => [id, index]));
    const order = ["role/control-plane", "control-plane", "addon/vpc-cni", "node-group/cpu", "addon/coredns"];
    expect(order.map((id) => places.get(id))).toEqual(order.map((id) => places.get(id)).toSorted((a, b) => a! - b!));
  });

  test("brings the network of pods and its rights before nodes, and what runs as pods after the first of them", async () => {
    const { needsOf } = await wanted(twoGroups);
    expect(needsOf("addon/vpc-cni")).toEqual(["control-plane", "pod-identity/vpc-cni"]);
    expect(needsOf("node-group/gpu")).toEqual(
      expect.arrayContaining([
        "control-plane",
        "role/nodes",
        "launch-template/gpu",
        "addon/vpc-cni",
        "addon/kube-proxy",
      ]),
    );
    expect(needsOf("node-group/gpu")).toEqual(
      expect.arrayContaining(["subnet/public-us-east-1a", "route-table/public"]),
    );
    expect(needsOf("addon/coredns")).toEqual(["control-plane", "node-group/cpu"]);
    expect(needsOf("addon/aws-ebs-csi-driver")).toEqual(["control-plane", "pod-identity/ebs-csi", "node-group/cpu"]);
  });

  test("is described for the plan", async () => {
    const { all } = await wanted(twoGroups);
    const details = new Map(all.map(({ id, detail }) => [id, detail]));
    expect(details.get("control-plane")).toBe("Kubernetes 1.34");
    expect(details.get("node-group/cpu")).toBe("2 to 5 m5.large");
    expect(details.get("node-group/gpu")).toBe("0 to 5 g4dn.xlarge, spot");
  });

  test("lets only those reach the control plane who are named", async () => {
    const open = await wanted(twoGroups);
    expect(open.wishOf("control-plane")).toMatchObject({ isPublic: true, publicCidrs: ["0.0.0.0/0"] });
    const listed = await wanted(`${twoGroups}operator_load_balancer_cidr_white_list: [203.0.113.0/24]\n`);
    expect(listed.wishOf("control-plane")).toMatchObject({ isPublic: true, publicCidrs: ["203.0.113.0/24"] });
    const inside = await wanted(`${twoGroups}operator_load_balancer_scheme: internal\n`);
    expect(inside.wishOf("control-plane")).toMatchObject({ isPublic: false });
  });

  test("may do what the file says, within the boundary that it names", async () => {
    const text = `${twoGroups}
iam_policy_arns: ["arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess"]
iam_permissions_boundary_arn: "arn:aws:iam::123456789012:policy/boundary"
`;
    const { all, wishOf } = await wanted(text);
    expect(wishOf("role/nodes")).toMatchObject({
      user: "ec2",
      managedPolicies: expect.arrayContaining(["arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess"]),
    });
    const roles = all.filter(({ id }) => id.startsWith("role/"));
    expect(roles).toHaveLength(6);
    expect(roles.map(({ wish }) => (wish as { boundary?: string }).boundary)).toEqual(
      roles.map(() => "arn:aws:iam::123456789012:policy/boundary"),
    );
  });
});
