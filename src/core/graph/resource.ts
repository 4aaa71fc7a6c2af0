/** Where the time comes from; a test's own runs faster. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** @throws the signal's reason as soon as it aborts */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** What a resource was found to be. The truth about it: there is no state file. */
export interface Found<State> {
  /** Of the resource within its cluster, e.g. `subnet/public-us-east-1a`; two with the same id are one too many. */
  readonly id: string;
  readonly state: State;
  /** As the provider names it, e.g. `vpc-0a1b`: shown to people. */
  readonly label: string;
  /** `making` and `changing` go on by themselves, as after an interrupted run; `failed` never becomes ready. */
  readonly status: "ready" | "making" | "changing" | "removing" | "failed";
  /** Why it failed. */
  readonly cause?: string;
  /** Milliseconds since the epoch, where the provider tells. */
  readonly createdAt?: number;
  /** Labels of those that it hangs on, as a subnet on its VPC: of two with the same id the one that others hang on is kept. */
  readonly uses?: readonly string[];
}

export interface Difference {
  /** As the user wrote it where there is such a field, e.g. `node_groups.cpu.max_instances`. */
  readonly field: string;
  readonly from: string;
  readonly to: string;
  /** It stays as it is for as long as the resource lives: why, and what to do. */
  readonly isFixed?: { readonly hint: string };
}

/** States of the resources that another one needs. */
export interface States {
  /** @throws Error when `id` is none of `needs`, and none that those need, which is a bug */
  of<State>(kind: ResourceKind<never, State>, id: string): State;
  /** All of a kind that are wanted, in the order of the wish. @throws Error when one of them is not needed */
  all<State>(kind: ResourceKind<never, State>): readonly State[];
}

export interface Doing {
  readonly states: States;
  readonly clock: Clock;
  /** What it waits for now, a few words for the line of this resource. */
  report(detail: string): void;
}

/**
 * One kind of resource of a provider: how those of a cluster are found, made, changed and removed. Holds no state. Each function
 * waits until what it does is true, and throws a CortexError with the provider's cause as soon as it cannot become so.
 */
export interface ResourceKind<in Wish, State> {
  /** e.g. `nat-gateway`; ids begin with it. */
  readonly name: string;
  /** For people: `NAT gateway`. */
  readonly title: string;
  /** Kinds that this one hangs on: it is made after those that its wish needs, and is gone before any of them is removed. */
  readonly needs: readonly string[];
  /** How long it takes as a rule; what a plan estimates by. */
  readonly typicalMs: { readonly create: number; readonly update: number; readonly remove: number };
  /** Every one of this cluster, duplicates and those being made or removed included; what is gone is not there. One request, or pages of one. */
  list(signal: AbortSignal): Promise<readonly Found<State>[]>;
  /**
   * Makes it, marked so that `list` finds it from the first moment on.
   * @throws Uncertain when it may have been made, CortexError CONFLICT when its name is taken: the caller looks for it by `list`
   * and adopts it, or tries again when it may only have been made
   */
  create(wish: Wish, doing: Doing, signal: AbortSignal): Promise<State>;
  /**
   * Pure. Empty: it is as it should be. Asked again just before it would be changed, with the states of that moment. Those that hang
   * on no other state come first: they are known also where another state is not there yet.
   */
  differences(wish: Wish, state: State, states: States): Iterable<Difference>;
  update(wish: Wish, state: State, doing: Doing, signal: AbortSignal): Promise<State>;
  /** Waits until one that is `making` or `changing` is ready. */
  settle(found: Found<State>, doing: Omit<Doing, "states">, signal: AbortSignal): Promise<State>;
  /**
   * Returns when it is gone and costs nothing more. Absent already, or being removed by somebody else: fine. One that is being made
   * or changed is waited for where the provider removes none such.
   */
  remove(state: State, doing: Omit<Doing, "states">, signal: AbortSignal): Promise<void>;
}

/** Any kind, as those are that one list holds. */
export type AnyKind = ResourceKind<never, unknown>;

/** One resource that should be. */
export interface Wanted<Wish = unknown, State = unknown> {
  readonly kind: ResourceKind<Wish, State>;
  readonly id: string;
  /** Ids of other wanted resources. */
  readonly needs: readonly string[];
  readonly wish: Wish;
  /** Where the user asks for it: `node_groups.cpu`; undefined where no field is about it alone. */
  readonly field?: string;
  /** For the plan: `2 to 5 m5.large, spot`. */
  readonly detail?: string;
}

/** @returns `wanted` for a list of many kinds; here the types of its wish and its kind are checked against each other */
export function want<Wish, State>(wanted: Wanted<Wish, State>): Wanted {
  return wanted as unknown as Wanted;
}

/** It is not known whether what was asked for was done: the answer was lost on its way. */
export class Uncertain extends Error {
  constructor(cause: unknown) {
    super(`it is not known whether it was done: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = "Uncertain";
  }
}
