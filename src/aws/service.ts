import type { Command } from "@smithy/types";

/**
 * What may be done about a call that failed without an answer.
 * `read`: changes nothing. `repeatable`: done twice is done once, as a delete is, or a create with a token or a name of its own.
 * `once`: done twice is two resources.
 */
export type Effect = "read" | "repeatable" | "once";

// biome-ignore lint/suspicious/noExplicitAny: the five type parameters of a command differ in every service.
type CommandClass<Input, Output> = new (input: Input) => Command<any, any, any, any, any> & Carries<Input, Output>;
interface Carries<Input, Output> {
  readonly input: Input;
  resolveMiddleware(...all: never[]): (...all: never[]) => Promise<{ readonly output: Output }>;
}

/** One operation of a service. */
export interface Operation<Input, Output> {
  readonly command: CommandClass<Input, Output>;
  readonly effect: Effect;
  /** IAM actions that it takes, where they are not `service:Operation`. */
  readonly actions?: readonly string[];
}

/** Operations of one service by the names they are called by. */
// biome-ignore lint/suspicious/noExplicitAny: any input and output.
export type Operations = Readonly<Record<string, Operation<any, any>>>;

export function read<Input, Output>(command: CommandClass<Input, Output>): Operation<Input, Output> {
  return { command, effect: "read" };
}

export function repeatable<Input, Output>(command: CommandClass<Input, Output>): Operation<Input, Output> {
  return { command, effect: "repeatable" };
}

export function once<Input, Output>(command: CommandClass<Input, Output>): Operation<Input, Output> {
  return { command, effect: "once" };
}

/** The calls of a service: `ec2.createVpc(input, signal)`. */
export type Calls<O extends Operations> = {
  readonly [Name in keyof O]: O[Name] extends Operation<infer Input, infer Output>
    ? (input: Input, signal: AbortSignal) => Promise<Output>
    : never;
};
