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
   * @param name only calls of this operation count: `ec2:CreateVpc`
   */
  killAt(n: number, when?: "before" | "after", name?: string): void;
  /** Aborts when it dies. */
  readonly dead: AbortSignal;
  /** Its credentials have expired: every call is refused until they are renewed. */
  expire(): void;
  renew(): void;
}

export interface ClientState extends Client {
  /** Counts a call. @returns whether it is still to be carried out, and whether an answer may be given */
  arrive(name: string): { readonly carryOut: boolean; readonly answer: boolean };
  die(): void;
  readonly hasExpired: boolean;
}

export function createClient(accessKey: string, variables: Readonly<Record<string, string>>): ClientState {
  const death = new AbortController();
  let calls = 0;
  let end: { readonly n: number; readonly when: "before" | "after"; readonly name: string | undefined } | undefined;
  /** Calls that count towards its end. */
  let counted = 0;
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
    killAt(n, when = "after", name) {
      end = { n, when, name };
      counted = name === undefined ? calls : 0;
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
    arrive(name) {
      if (death.signal.aborted) return { carryOut: false, answer: false };
      calls += 1;
      if (end === undefined) return { carryOut: true, answer: true };
      // A process that is killed sends nothing more, also while its last call is still carried out.
      if (counted >= end.n) return { carryOut: false, answer: false };
      if (end.name === undefined || end.name === name) counted += 1;
      if (counted < end.n) return { carryOut: true, answer: true };
      return { carryOut: end.when === "after", answer: false };
    },
  };
}
