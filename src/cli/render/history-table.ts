import type { ApiState, Revision } from "../../core/environment.ts";
import { apiId } from "./api-json.ts";
import type { Table } from "./table.ts";
import { ageText } from "./time.ts";

/** Newest first. */
export function historyTable(history: readonly Revision[], state: ApiState | undefined, now: number): Table {
  return [
    ["revision", "api id", "last deployed", "by", "note"],
    ...history.map((revision) => [
      String(revision.number),
      apiId(revision),
      `${ageText(revision.createdAt, now)} ago`,
      revision.createdBy,
      remark(revision, state),
    ]),
  ];
}

function remark(revision: Revision, state: ApiState | undefined): string {
  const remarks = [
    ...(state?.serving === revision.number ? ["serving"] : []),
    ...(state?.revision.number === revision.number && state.serving !== revision.number ? ["wanted"] : []),
    ...(revision.rollbackOf === undefined ? [] : [`rollback to ${revision.rollbackOf}`]),
  ];
  return remarks.join(", ");
}
