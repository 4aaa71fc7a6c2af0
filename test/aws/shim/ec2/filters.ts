import { Refused } from "../reply.ts";
import { type Filter, filtersOf } from "../request.ts";
import { at, type Element, textAt } from "../xml.ts";

/**
 * @param fields elements of an item by the names of the filters that are about them
 * @returns whether an item of a Describe answer is meant by a filter
 */
export function fits(item: Element, { name, values }: Filter, fields: Readonly<Record<string, string>>): boolean {
  const tags = (at(item, "tagSet")?.children ?? []).map((tag) => [textAt(tag, "key"), textAt(tag, "value")] as const);
  if (name === "tag-key") return tags.some(([key]) => values.includes(key ?? ""));
  if (name.startsWith("tag:")) {
    return tags.some(([key, value]) => key === name.slice(4) && values.some((wanted) => matches(wanted, value ?? "")));
  }
  const field = fields[name];
  if (field === undefined) throw new Refused("InvalidParameterValue", `The filter '${name}' is invalid`);
  return values.some((wanted) => matches(wanted, textAt(item, field) ?? ""));
}

function matches(pattern: string, value: string): boolean {
  const escaped = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${escaped}$`).test(value);
}

/** @returns the parameters without the filters of such names, the others numbered anew */
export function withoutFilters(form: URLSearchParams, isLeftOut: (name: string) => boolean): URLSearchParams {
  const rest = new URLSearchParams([...form].filter(([name]) => !name.startsWith("Filter.")));
  const kept = filtersOf(form).filter(({ name }) => !isLeftOut(name));
  for (const [index, { name, values }] of kept.entries()) {
    rest.append(`Filter.${index + 1}.Name`, name);
    for (const [n, value] of values.entries()) rest.append(`Filter.${index + 1}.Value.${n + 1}`, value);
  }
  return rest;
}
