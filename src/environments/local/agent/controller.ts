import type { ApiState, Revision, RolloutEvent } from "../../../core/environment.ts";
import type { EventHistory } from "../../../core/streams.ts";
import type { ApiKind } from "../../../spec/api.ts";
import type { Gateway } from "../gateway/types.ts";
import type { ApiRecord } from "./api-store.ts";
import type { SlotPorts } from "./replica-slot.ts";

export interface ControllerPorts {
  readonly gateway: Gateway;
  /** Of the gateway, also while it cannot listen there. */
  port(): number;
  readonly slots: Pick<SlotPorts, "openLog" | "start">;
  /** Cores and memory that replicas may share. */
  machine(): { readonly cores: number; readonly memoryBytes: number };
  /** @returns whether an API of that name is deployed */
  isDeployed(name: string): boolean;
  /** Keeps what must outlive the agent; called after every change of it. */
  save(record: ApiRecord): Promise<void>;
  /** Something that `state()` shows has changed. */
  changed(): void;
}

export interface RolloutRequest {
  readonly force: boolean;
  readonly timeoutMs: number;
}

/** What runs under one name: an API with its replicas, or a TrafficSplitter. */
export interface Controller {
  readonly name: string;
  readonly kind: ApiKind;
  /** Newest first. */
  readonly revisions: readonly Revision[];
  /** What happens to what was last asked for. */
  readonly history: EventHistory<RolloutEvent>;
  /** Those that requests come by now, and those that they will come by when all that was asked for is live. */
  readonly endpoints: readonly string[];
  /** Digests of the projects that some kept revision needs. */
  readonly projects: readonly string[];
  /** APIs that it sends requests to. */
  readonly targets: readonly string[];
  state(): ApiState;
  /**
   * Makes `revision`, of the same kind (its number is not looked at), the wanted one.
   * @returns its events from the start, also when it is on its way already
   * @throws CONFLICT when another update is under way
   */
  rollOut(revision: Revision, request: RolloutRequest): EventHistory<RolloutEvent>;
  /** @throws CONFLICT, NOT_SUPPORTED */
  refresh(request: RolloutRequest): EventHistory<RolloutEvent>;
  /** Gives the update that is under way up: it could not be kept on disk. */
  abandon(cause: unknown): void;
  /** Ends it: its endpoint answers 404 from now on, what is in-flight ends. */
  remove(maxDrainMs: number): Promise<void>;
  /** Ends what runs, and keeps it for a later agent. */
  close(maxDrainMs: number): Promise<void>;
  /** Several times a second. @param now on the clock of `performance` */
  observe(now: number): void;
  /** A request waits and there is no replica. */
  wake(): void;
  /** @returns when all that was decided so far is on disk. @throws DISK_FULL, NOT_WRITABLE */
  saved(): Promise<void>;
  /** Keeps it as it is now, for when that could not be done while it changed. */
  keep(): void;
}
