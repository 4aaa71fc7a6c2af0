import { expect, test } from "vitest";
import { costTable, moneyText } from "../../src/cli/render/cost-table.ts";
import { planJson, planText } from "../../src/cli/render/plan-view.ts";
import type { CloudPlan, Cost } from "../../src/core/cloud-cluster.ts";
import type { PlannedChange } from "../../src/core/graph/plan.ts";

const cost: Cost = {
  lines: [
    { what: "1 EKS cluster", perHour: { min: 0.1, max: 0.1 } },
    { what: "node group cpu: 1 to 5 m5.large", perHour: { min: 0.096, max: 0.48 } },
    { what: "1 network load balancer" },
  ],
  perHour: { min: 0.196, max: 0.58 },
  pricesOf: "2026-11-26",
  isCached: false,
};

function change(action: PlannedChange["action"], id: string, title: string, part: Partial<PlannedChange> = {}) {
  return { action, id, title, differences: [], needs: [], expectedMs: 1_000, ...part };
}

function plan(changes: readonly PlannedChange[], part: Partial<CloudPlan> = {}): CloudPlan {
  const cluster = { name: "cortex", region: "us-east-1" };
  return { cluster, changes, expectedMs: 13 * 60_000, cost, warnings: [], ...part };
}

test("a plan shows what is done to what, several alike in a line, then what it costs", () => {
  const subnets = ["a", "b", "c", "d", "e"].map((zone) => change("create", `subnet/public-${zone}`, "subnet"));
  const changes = [
    change("create", "log-group/a", "log group", { detail: "/cortex/a" }),
    change("create", "log-group/b", "log group", { detail: "/cortex/b" }),
    ...subnets,
    change("keep", "bucket", "bucket"),
    change("update", "node-group/cpu", "node group", {
      differences: [{ field: "node_groups.cpu.max_instances", from: "3", to: "5" }],
    }),
    change("settle", "nat-gateway/us-east-1a", "NAT gateway", { detail: "being made" }),
    change("create", "node-group/gpu", "node group", { detail: "0 to 2 g4dn.xlarge, spot" }),
    change("remove", "node-group/old", "node group", { label: "old" }),
    change("remove", "node-group/bad", "node group", { label: "bad" }),
  ];
  expect(planText(plan(changes, { warnings: ["spot instances can be taken away"] }))).toBe(
    `cluster cortex in us-east-1: 8 to create, 1 to update, 1 to wait for, 2 to remove, about 13 minutes

  create    log group    a: /cortex/a
                         b: /cortex/b
  create    subnet       public-a, public-b, public-c and 2 more
  update    node group   cpu
    ~ node_groups.cpu.max_instances: 3 -> 5
  wait for  NAT gateway  us-east-1a: being made
  create    node group   gpu: 0 to 2 g4dn.xlarge, spot
  remove    node group   bad, old

aws resource                      cost per hour
1 EKS cluster                     $0.10
node group cpu: 1 to 5 m5.large   $0.096 to $0.48
1 network load balancer           not known
total of what is known            $0.20 to $0.58 per hour, $143 to $423 per month
(prices of 2026-11-26; traffic and storage come on top)

warning: spot instances can be taken away
`,
  );
});

test("a plan without changes says so", () => {
  expect(planText(plan([change("keep", "vpc", "VPC")]))).toBe("cluster cortex in us-east-1 is up to date\n");
});

test("a plan for a program has every change and none that is kept", () => {
  const changes = [change("keep", "vpc", "VPC"), change("remove", "node-group/old", "node group", { label: "old" })];
  expect(planJson(plan(changes, { costNow: cost }))).toMatchObject({
    cluster: { name: "cortex", region: "us-east-1" },
    changes: [{ action: "remove", id: "node-group/old", label: "old", detail: null, expected_ms: 1_000 }],
    expected_ms: 780_000,
    cost: { per_hour: { min: 0.196, max: 0.58 }, prices_of: "2026-11-26", is_cached: false },
    cost_now: { lines: [{ what: "1 EKS cluster" }, {}, { per_hour: null }] },
  });
});

test("money is as exact as it is small", () => {
  expect([0, 0.005, 0.096, 0.1, 1.234, 99.99, 1234.5].map(moneyText)).toEqual([
    "$0.00",
    "$0.005",
    "$0.096",
    "$0.10",
    "$1.23",
    "$99.99",
    "$1,235",
  ]);
  expect(costTable(cost).at(-1)).toEqual(["total of what is known", "$0.20 to $0.58 per hour, $143 to $423 per month"]);
});
