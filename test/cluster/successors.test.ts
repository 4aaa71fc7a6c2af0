import { describe, expect, test } from "vitest";
import type { ManagedGroup } from "../../src/cluster/node-groups.ts";
import { withSuccessors } from "../../src/cluster/successors.ts";

const cpu = { name: "cpu", group: "cpu", min: 1, max: 20 } as ManagedGroup;
const lost = { name: "cpu", desired: 10, lostBecause: "its launch template was removed" };
const replaced = { name: "cpu", desired: 10, cause: "its launch template was removed" };
const groupAfter = (...standing: Parameters<typeof withSuccessors>[1]) => withSuccessors([cpu], standing)[0];

describe("a node group that lost what it was made of", () => {
  test("gets another one in its place, as large as it is", () => {
    expect(groupAfter(lost)).toEqual({ ...cpu, name: "cpu_2", replaces: replaced });
  });

  test("gets one of that size also when the first try came to nothing", () => {
    expect(groupAfter(lost, { name: "cpu_2", desired: 10 })).toEqual({ ...cpu, name: "cpu_2", replaces: replaced });
  });

  test("is forgotten once it is gone, and the other one keeps its name", () => {
    expect(groupAfter({ name: "cpu_2", desired: 10 })).toEqual({ ...cpu, name: "cpu_2" });
  });

  test("may be such another one itself", () => {
    expect(groupAfter({ ...lost, name: "cpu_2" })?.name).toBe("cpu_3");
  });
});

test("a node group that is as it was made keeps its name, and so does one that is not there yet", () => {
  expect(groupAfter({ name: "cpu", desired: 3 }, { name: "cpu_base", desired: 1 })).toEqual(cpu);
  expect(groupAfter()).toEqual(cpu);
});
