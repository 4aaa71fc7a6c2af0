import type { Aws } from "../../aws/aws.ts";
import type { Inside } from "./inside-port.ts";

/** What making, changing and removing clusters works with. */
export interface Surroundings {
  /** Of any region; each cluster has its own. */
  readonly aws: Aws;
  /** Folder of Cortex, where prices are kept. */
  readonly home: string;
  readonly inside: Inside;
}
