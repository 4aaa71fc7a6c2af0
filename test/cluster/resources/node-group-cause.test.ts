import { describe, expect, test } from "vitest";
import { causeOf, troubleText } from "../../../src/cluster/resources/node-group-cause.ts";

const failed = (StatusMessage: string) => ({ StatusCode: "Failed" as const, StatusMessage });
const successful = { StatusCode: "Successful" as const, StatusMessage: "" };
const noRoom = (zone: string) =>
  failed(
    `Could not launch On-Demand Instances. InsufficientInstanceCapacity - We currently do not have sufficient m5.large capacity in the Availability Zone you requested (${zone}). Launching EC2 instance failed.`,
  );
const overQuota = failed(
  "Could not launch On-Demand Instances. VcpuLimitExceeded - You have requested more vCPU capacity than your current vCPU limit of 5 allows. Launching EC2 instance failed.",
);

function look(trouble: Partial<Parameters<typeof causeOf>[0]>) {
  return causeOf({ group: "cpu", issues: [], activities: [], zoneCount: 3, troubledMs: 0, ...trouble });
}

describe("a node group that is not ready", () => {
  test("is waited for while nothing is wrong", () => {
    expect(look({})).toBeUndefined();
    expect(look({ activities: [successful] })).toBeUndefined();
  });

  test("is given up at once where a quota is reached, with the quota and what to do", () => {
    const cause = look({ activities: [overQuota] });
    expect(cause?.code).toBe("NO_CAPACITY");
    expect(cause?.message).toBe(
      "node group cpu: Could not launch On-Demand Instances. VcpuLimitExceeded - You have requested more vCPU capacity than your current vCPU limit of 5 allows",
    );
    expect(cause?.hint).toContain("Service Quotas");
  });

  test("is waited for while another zone may have room, and given up when none had", () => {
    expect(look({ activities: [noRoom("us-east-1a"), noRoom("us-east-1b")] })).toBeUndefined();
    const cause = look({ activities: ["a", "b", "c"].map((zone) => noRoom(`us-east-1${zone}`)) });
    expect(cause?.code).toBe("NO_CAPACITY");
    expect(cause?.hint).toContain("instance_type");
  });

  test("is given up where no zone has spot instances, or none gets room for minutes", () => {
    const spot = failed(
      "Could not launch Spot Instances. UnfulfillableCapacity - There is no Spot capacity available.",
    );
    expect(look({ activities: [spot] })?.code).toBe("NO_CAPACITY");
    expect(look({ activities: [noRoom("a")], troubledMs: 119_000 })).toBeUndefined();
    expect(look({ activities: [noRoom("a")], troubledMs: 120_000 })?.code).toBe("NO_CAPACITY");
  });

  test("is waited for where instances started after others could not", () => {
    expect(look({ activities: [successful, noRoom("a"), noRoom("b"), noRoom("c")] })).toBeUndefined();
  });

  test("is given up where instances cannot be started at all", () => {
    const cause = look({ activities: [failed("Client.InvalidKMSKey.InvalidState: The KMS key is in a wrong state.")] });
    expect(cause?.code).toBe("FAILED");
    expect(cause?.message).toContain("InvalidKMSKey");
  });

  test("is given up where EKS says that nodes do not join, with how they would", () => {
    const issue = {
      code: "NodeCreationFailure" as const,
      message: "Instances failed to join the kubernetes cluster",
      resourceIds: ["i-1"],
    };
    const cause = look({ issues: [issue] });
    expect(cause?.message).toBe(
      "node group cpu: NodeCreationFailure: Instances failed to join the kubernetes cluster (i-1)",
    );
    expect(cause?.hint).toContain("NAT gateway");
  });

  test("says what it waits for", () => {
    expect(troubleText({ issues: [], activities: [noRoom("us-east-1a")] })).toContain("us-east-1a");
    expect(troubleText({ issues: [{ code: "InternalFailure", message: "try later" }], activities: [] })).toBe(
      "InternalFailure: try later",
    );
  });
});
