import { expect, test } from "vitest";
import { holdersOf, ownerOf } from "../../../src/cluster/resources/interface-owner.ts";

test.each([
  ["ELB net/k8s-envoy-a1b2/0123456789abcdef", "load balancer k8s-envoy-a1b2"],
  ["ELB a0b1c2d3", "load balancer a0b1c2d3"],
  ["Amazon EKS cortex", "the control plane of cortex"],
  ["Interface for NAT Gateway nat-0a1b", "NAT gateway nat-0a1b"],
  ["VPC Endpoint Interface vpce-0a1b", "VPC endpoint vpce-0a1b"],
  ["AWS Lambda VPC ENI-resize-1b4e28ba-2fa1-11d2-883f-0016d3cca427", "Lambda function resize"],
  ["RDSNetworkInterface", "an RDS database"],
])("an interface described as %j belongs to %s", (Description, owner) => {
  expect(ownerOf({ Description })).toBe(owner);
});

test("an interface of an instance is known by the instance", () => {
  const attachment = { InstanceId: "i-0a1b" };
  expect(ownerOf({ Description: "aws-K8S-i-0a1b", Attachment: attachment })).toBe("instance i-0a1b");
});

test("an interface that says nothing is known by whoever asked for it", () => {
  expect(ownerOf({ Description: "", RequesterId: "123456789012" })).toBe("something of 123456789012");
  expect(ownerOf({})).toBe("something that AWS does not name");
});

test("of many holders the first few are named", () => {
  const all = ["eni-1", "eni-2", "eni-3"].map((NetworkInterfaceId) => ({ NetworkInterfaceId, Description: "mine" }));
  expect(holdersOf(all, 2)).toEqual({ names: "eni-1 (mine), eni-2 (mine) and 1 more", areLasting: true });
  expect(holdersOf([])).toEqual({ names: "", areLasting: false });
});

test("a load balancer that is being deleted lets go by itself, a database does not", () => {
  const database = { NetworkInterfaceId: "eni-1", Description: "RDSNetworkInterface" };
  const balancer = { NetworkInterfaceId: "eni-2", Description: "ELB net/apis/1" };
  expect(holdersOf([database]).areLasting).toBe(true);
  expect(holdersOf([database, balancer]).areLasting).toBe(false);
});
