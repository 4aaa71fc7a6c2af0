/** One program that uses the emulator, told apart by its access key. */
export interface Client {
  readonly accessKey: string;
  /** What its process needs in its environment, and nothing of the developer's own. */
  readonly variables: Readonly<Record<string, string>>;
  /** Calls it has made so far. */
  readonly calls: number;
  /**
   * From its n-th call on (from 1) it is as if its process were dead: this call and every later one get no answer.
   * @param when `after`: that call was still carried out
   */
  killAt(n: number, when?: "before" | "after"): void;
  /** Aborts when it dies. */
  readonly dead: AbortSignal;
  /** Its credentials have expired: every call is refused until they are renewed. */
  expire(): void;
  renew(): void;
}

export interface ClientState extends Client {
  /** Counts a call. @returns whether it is still to be carried out, and whether an answer may be given */
  arrive(): { readonly carryOut: boolean; readonly answer: boolean };
  die(): void;
  readonly hasExpired: boolean;
}

export function createClient(accessKey: string, variables: Readonly<Record<string, string>>): ClientState {
  const death = new AbortController();
  let calls = 0;
  let end: { readonly n: number; readonly when: "before" | "after" } | undefined;
  let hasExpired = false;
  return {
    accessKey,
    variables,
    get calls() {
      return calls;
    },
    get hasExpired() {
      return hasExpired;
    },
    dead: death.signal,
    killAt(n, when = "after") {
      end = { n, when };
    },
    expire() {
      hasExpired = true;
    },
    renew() {
      hasExpired = false;
    },
    die() {
      death.abort(new Error("killed"));
    },
    arrive() {
      if (death.signal.aborted) return { carryOut: false, answer: false };
      calls += 1;
      if (end === undefined || calls < end.n) return { carryOut: true, answer: true };
      // A process that is killed sends nothing more, also while its last call is still carried out.
      if (calls > end.n) return { carryOut: false, answer: false };
      return { carryOut: end.when === "after", answer: false };
    },
  };
}
