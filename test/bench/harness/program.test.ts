import { expect, test } from "vitest";
import { showTable } from "./program.ts";

test("a table aligns its columns and says whether each goal is met", () => {
  const rows = [
    { what: "p50 added", figure: "0.31 ms", goal: "at most 0.5 ms", met: true },
    { what: "throughput", figure: "91 %", goal: "at least 95 %", met: false },
    { what: "MLServer", figure: "-", note: "MLServer could not be installed" },
  ];
  expect(showTable("gateway", rows)).toBe(
    [
      "gateway     figure   goal            met",
      "----------  -------  --------------  -----",
      "p50 added   0.31 ms  at most 0.5 ms  yes",
      "throughput  91 %     at least 95 %   no",
      "MLServer    -                        - [1]",
      "[1] MLServer could not be installed",
      "",
    ].join("\n"),
  );
});
