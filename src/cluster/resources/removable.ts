import type { Doing, Found, ResourceKind } from "../../core/graph/resource.ts";

/** A kind of what others made for a cluster: it is only found, and removed with the cluster. */
export interface Removable<State> {
  readonly name: string;
  readonly title: string;
  readonly needs: readonly string[];
  readonly removeMs: number;
  list(signal: AbortSignal): Promise<readonly Found<State>[]>;
  remove(state: State, doing: Omit<Doing, "states">, signal: AbortSignal): Promise<void>;
}

export type RemovableKind<State> = ResourceKind<never, State>;

export function removableKind<State>({ removeMs, ...kind }: Removable<State>): RemovableKind<State> {
  const notOurs = async (): Promise<never> => {
    throw new Error(`${kind.name}: others make it`);
  };
  return {
    ...kind,
    typicalMs: { create: 0, update: 0, remove: removeMs },
    create: notOurs,
    update: notOurs,
    differences: () => [],
    async settle({ state }) {
      return state;
    },
  };
}
