import type { RuleContext } from "./context.ts";

/** The targets of a TrafficSplitter among each other; whether they exist is for whole files and environments to say. */
export function checkSplitter({ values, report, at }: RuleContext): void {
  const { apis } = values;
  if (values.kind !== "TrafficSplitter" || apis === undefined) return;
  if (apis === null) {
    report.problem(at("apis"), "is missing", "list the APIs to split among: apis: [{name: a, weight: 100}]");
    return;
  }
  const names = new Set<string>();
  apis.forEach(({ name, shadow }, index) => {
    if (name !== undefined && names.has(name)) {
      report.problem(at(`apis[${index}].name`), `${name} is listed twice`, "list each API once");
    }
    names.add(name ?? "");
    if (shadow && apis.findIndex((one) => one.shadow) !== index) {
      report.problem(at(`apis[${index}].shadow`), "a second API gets copies", "keep shadow with one of them");
    }
  });
  const weights = apis.filter(({ shadow }) => shadow === false).map(({ weight }) => weight);
  if (weights.length !== apis.filter(({ shadow }) => shadow !== true).length) return;
  const sum = weights.reduce((total: number, weight) => total + (weight ?? Number.NaN), 0);
  if (!Number.isNaN(sum) && sum !== 100) {
    report.problem(at("apis"), `the weights sum up to ${sum}`, "those without shadow sum up to 100");
  }
}
