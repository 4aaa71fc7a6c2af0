import type { CloudPlan } from "../../core/cloud-cluster.ts";
import { type PlannedChange, realChanges } from "../../core/graph/plan.ts";
import type { Difference } from "../../core/graph/resource.ts";
import { ownName } from "../../core/graph/resource-name.ts";
import { costJson, costTable, perHourAndMonthText, pricesText } from "./cost-table.ts";
import { alignedTable } from "./table.ts";
import { roughDurationText } from "./time.ts";
import { oneLine, padEnd } from "./width.ts";

/** So many of a kind are named in one line; more are counted. */
const mostNames = 4;

/** What would be done, what it costs, and what to know before: for a person who is about to be asked. */
export function planText(plan: CloudPlan): string {
  return [changesPart(plan), costPart(plan), warningsPart(plan)].filter((part) => part !== "").join("\n");
}

export function planJson({ cluster, changes, expectedMs, cost, costNow, warnings }: CloudPlan): unknown {
  return {
    cluster: { name: cluster.name, region: cluster.region },
    changes: realChanges(changes).map(changeJson),
    expected_ms: expectedMs,
    cost: costJson(cost),
    cost_now: costNow ? costJson(costNow) : null,
    warnings,
  };
}

function changesPart({ cluster, changes, expectedMs }: CloudPlan): string {
  const real = realChanges(changes);
  const where = `cluster ${cluster.name} in ${cluster.region}`;
  if (real.length === 0) return `${where} is up to date\n`;
  const groups = grouped(real);
  const titleWidth = Math.max(...real.map(({ title }) => title.length));
  const lines = groups.flatMap((group, index) => groupLines(group, groups[index - 1], titleWidth));
  return `${where}: ${countsText(real)}, ${roughDurationText(expectedMs)}\n\n${lines.join("\n")}\n`;
}

/** `41 to create, 2 to update` */
function countsText(changes: readonly PlannedChange[]): string {
  const counts = Map.groupBy(changes, ({ action }) => action);
  const words = { create: "to create", update: "to update", replace: "to replace", settle: "to wait for" };
  return [...Object.entries({ ...words, remove: "to remove" })]
    .map(([action, text]) => [counts.get(action as PlannedChange["action"])?.length ?? 0, text] as const)
    .filter(([count]) => count > 0)
    .map(([count, text]) => `${count} ${text}`)
    .join(", ");
}

/** Several of a kind that there is nothing to say about beside their names share a line. */
function grouped(changes: readonly PlannedChange[]): readonly Group[] {
  const groups = Map.groupBy(changes, (change) => {
    const { id, action, title, detail = "", differences } = change;
    return differences.length > 0 || detail !== "" ? id : `${action} ${title}`;
  });
  return [...groups.values()];
}

type Group = readonly PlannedChange[];

/** What is done to the same kind of thing as in the line before is not said again. */
function groupLines(group: Group, before: Group | undefined, titleWidth: number): readonly string[] {
  const [first] = group;
  if (!first) return [];
  const { action, title, detail = "", differences } = first;
  const [above] = before ?? [];
  const isSaid = above?.action === action && above.title === title && above.differences.length === 0;
  const word = action === "settle" ? "wait for" : action;
  const said = `${padEnd(isSaid ? "" : word, "wait for".length)}  ${padEnd(isSaid ? "" : title, titleWidth)}`;
  const told = [namesText(group), oneLine(detail)].filter((text) => text !== "").join(": ");
  return [`  ${said}  ${told}`.trimEnd(), ...differences.map(differenceText)];
}

function namesText(group: Group): string {
  const named = group.map(({ id, action, label = "" }) => ownName(id) || (action === "remove" ? label : ""));
  // What is wanted comes in its own order, what was found in none.
  const names = group[0]?.action === "remove" ? named.toSorted() : named;
  const shown = names.length > mostNames ? [...names.slice(0, mostNames - 1)] : names;
  const more = names.length - shown.length;
  return `${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function differenceText({ field, from, to }: Difference): string {
  return `    ~ ${field}: ${oneLine(from) || "none"} -> ${oneLine(to) || "none"}`;
}

function costPart({ cost, costNow, changes }: CloudPlan): string {
  if (cost.lines.length === 0 || realChanges(changes).length === 0) return "";
  const text = perHourAndMonthText(cost.perHour);
  const textNow = costNow && perHourAndMonthText(costNow.perHour);
  const now = textNow === undefined ? "" : `it costs ${textNow === text ? "as much" : textNow} now\n`;
  return `${alignedTable(costTable(cost))}(${pricesText(cost)}; traffic and storage come on top)\n${now}`;
}

function warningsPart({ warnings }: CloudPlan): string {
  return warnings.map((warning) => `warning: ${warning}\n`).join("");
}

function changeJson({ id, title, action, label, detail, differences, needs, expectedMs }: PlannedChange): unknown {
  return {
    action,
    id,
    title,
    label: label ?? null,
    detail: detail ?? null,
    differences: differences.map(({ field, from, to }) => ({ field, from, to })),
    needs,
    expected_ms: expectedMs,
  };
}
