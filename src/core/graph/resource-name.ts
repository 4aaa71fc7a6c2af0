import type { PlannedChange } from "./plan.ts";

type Named = Pick<PlannedChange, "id" | "title">;

/** `NAT gateway us-east-1a` of `nat-gateway/us-east-1a`: its kind, and its own name where it has one. What people read of an id. */
export function resourceName({ id, title }: Named): string {
  const own = ownName(id);
  if (own === "") return title;
  return isPlace(title) ? `${own} ${title}` : `${title} ${own}`;
}

/** What its id says beside its kind; empty when there is only one of it. */
export function ownName(id: string): string {
  return /^[^/ ]*[/ ](.*)$/.exec(id)?.[1] ?? "";
}

/** `in the cluster` says where things are, not of what kind. */
function isPlace(title: string): boolean {
  return title.startsWith("in ");
}
