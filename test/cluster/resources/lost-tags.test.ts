import { describe, expect, test } from "vitest";
import { findLost } from "../../../src/cluster/resources/lost-tags.ts";
import type { FoundByKind } from "../../../src/core/graph/duplicates.ts";

const named = (ResourceId: string, id: string) => ({ ResourceId, Value: `models/${id}` });
const one = (id: string, label: string, state: object = {}) => ({ id, label, state, status: "ready" as const });
const subnet = one("subnet/public-us-east-1a", "subnet-1", { vpcId: "vpc-1" });
const ours: FoundByKind = new Map([["subnet", [subnet]]]);

describe("what is named as Cortex names things, but has no tags of ours", () => {
  test("is looked for in the network that a subnet with tags lies in", () => {
    expect(findLost([named("vpc-1", "vpc"), named("subnet-2", "subnet/private-us-east-1a")], ours)).toEqual({
      names: ["models/vpc", "models/subnet/private-us-east-1a"],
      vpcIds: new Set(["vpc-1"]),
    });
  });

  test("is nobody's business where no network of the cluster is known", () => {
    expect(findLost([named("vpc-1", "vpc")], new Map())).toBeUndefined();
  });

  test("is not another one of what was found", () => {
    expect(findLost([named("subnet-1", subnet.id), named("subnet-9", subnet.id)], ours)).toBeUndefined();
  });

  test("must be named wholly so", () => {
    expect(findLost([named("subnet-2", "subnet"), named("igw-1", "vpc"), named("i-1", "vpc")], ours)).toBeUndefined();
  });
});
