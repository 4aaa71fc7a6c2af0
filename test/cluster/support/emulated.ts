import type { Aws } from "../../../src/aws/aws.ts";
import { connectAws } from "../../../src/aws/connect-aws.ts";
import { type Emulator, type EmulatorOptions, startEmulator } from "../../aws/emulator.ts";

export interface Emulated extends AsyncDisposable {
  readonly emulator: Emulator;
  readonly aws: Aws;
  readonly signal: AbortSignal;
}

/** An account of AWS on this machine, and a client to it. */
export async function emulated(options: EmulatorOptions = {}): Promise<Emulated> {
  await using stack = new AsyncDisposableStack();
  const emulator = stack.use(await startEmulator(options));
  const { variables, clock } = emulator;
  const aws = stack.use(
    connectAws({ region: options.region ?? "us-east-1", variables, clock, onTry: () => clock.busy() }),
  );
  const owned = stack.move();
  return {
    emulator,
    aws,
    signal: new AbortController().signal,
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}
