import type { PlannedChange } from "../../core/graph/plan.ts";

type Named = Pick<PlannedChange, "id" | "title">;

/** `NAT gateway us-east-1a` of `nat-gateway/us-east-1a`: its kind, and its own name where it has one. */
export function resourceName({ id, title }: Named): string {
  const own = ownName(id);
  return own === "" ? title : `${title} ${own}`;
}

/** What its id says beside its kind; empty when there is only one of it. */
export function ownName(id: string): string {
  return /^[^/ ]*[/ ](.*)$/.exec(id)?.[1] ?? "";
}
