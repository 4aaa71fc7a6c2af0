import { expect, test } from "vitest";
import { exchangeWarnings } from "../../../src/cluster/prices/exchange-cost.ts";
import { pricesWith } from "../support/clusters.ts";

const prices = pricesWith({ "instance/m5.large": 0.1 });
const node = {
  id: "i-1",
  type: "m5.large",
  market: "on-demand",
  zone: "us-east-1a",
  nodeGroup: "cpu",
  hasPublicAddress: true,
} as const;
const nodes = (count: number, nodeGroup = "cpu") => Array.from({ length: count }, () => ({ ...node, nodeGroup }));

test("while nodes are exchanged there are more: two in each zone, or a quarter of many", () => {
  const groups = [
    { name: "cpu", zones: 3 },
    { name: "empty", zones: 3 },
  ];
  expect(exchangeWarnings(groups, { instances: nodes(2) }, prices)).toEqual([
    "until all nodes are exchanged there may be 6 more of them, which cost $0.60 per hour",
  ]);
  expect(exchangeWarnings(groups, { instances: nodes(40) }, prices)[0]).toContain("10 more of them");
  expect(exchangeWarnings(groups, { instances: nodes(40) }, pricesWith({}))[0]).toMatch(/10 more of them$/);
  expect(exchangeWarnings(groups, { instances: [] }, prices)).toEqual([]);
  expect(exchangeWarnings([], { instances: nodes(2) }, prices)).toEqual([]);
});
