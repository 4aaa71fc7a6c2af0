import type { Report } from "../report.ts";
import { withArticle } from "../shape/shape.ts";
import type { Place } from "../yaml/node.ts";

/** What must hold between the APIs of one file. */
export interface ListedApi {
  readonly name: string | undefined;
  readonly kind: string | undefined;
  readonly endpoint: string | undefined;
  readonly targets: readonly (string | undefined)[];
  at(path: string): Place;
}

export function checkFile(apis: readonly ListedApi[], lineOf: (place: Place) => number, report: Report): void {
  const names = new Map<string, ListedApi>();
  const endpoints = new Map<string, ListedApi>();
  for (const api of apis) {
    const namesake = api.name === undefined ? undefined : names.get(api.name);
    if (namesake) {
      const line = lineOf(namesake.at("name"));
      report.problem(
        api.at("name"),
        `${api.name} is the name of an API in line ${line} already`,
        "choose another name",
      );
      continue;
    }
    if (api.name !== undefined) names.set(api.name, api);
    const neighbour = api.endpoint === undefined ? undefined : endpoints.get(api.endpoint);
    if (neighbour) {
      const cause = `${api.endpoint} is the endpoint of ${neighbour.name ?? "another API"} already`;
      report.problem(api.at("networking.endpoint"), cause, "choose another endpoint");
    } else if (api.endpoint !== undefined) endpoints.set(api.endpoint, api);
  }
  for (const api of apis) {
    api.targets.forEach((target, index) => {
      const kind = target === undefined ? undefined : names.get(target)?.kind;
      if (kind === undefined || kind === "RealtimeAPI") return;
      report.problem(
        api.at(`apis[${index}].name`),
        `${target} is ${withArticle(kind)}`,
        "traffic is split among RealtimeAPIs only",
      );
    });
  }
}
