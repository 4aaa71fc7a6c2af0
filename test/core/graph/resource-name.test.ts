import { expect, test } from "vitest";
import { resourceName } from "../../../src/core/graph/resource-name.ts";

test.each([
  ["node-group/cpu", "node group", "node group cpu"],
  ["subnet/public-us-east-1a subnet-0a1b", "subnet", "subnet public-us-east-1a subnet-0a1b"],
  ["vpc", "VPC", "VPC"],
  ["inside/gateway", "in the cluster", "gateway in the cluster"],
  ["inside", "what lives in the cluster", "what lives in the cluster"],
])("people read %s as what it is", (id, title, name) => {
  expect(resourceName({ id, title })).toBe(name);
});
