import type { Sink } from "./terminal.ts";

type Paint = (text: string) => string;

/** Colours by what they mean. A state is never told by colour alone. */
export interface Palette {
  readonly error: Paint;
  readonly warning: Paint;
  readonly good: Paint;
  readonly strong: Paint;
  readonly quiet: Paint;
  /** One of a few colours, the same for the same number. */
  readonly mark: (text: string, number: number) => string;
}

const plain: Palette = {
  error: (text) => text,
  warning: (text) => text,
  good: (text) => text,
  strong: (text) => text,
  quiet: (text) => text,
  mark: (text) => text,
};

/** The colours for `sink`; the library behind them is loaded only where they will be seen. */
export async function paletteFor(sink: Sink): Promise<Palette> {
  if (!sink.hasColor) return plain;
  const { Chalk } = await import("chalk");
  const chalk = new Chalk({ level: 1 });
  const marks = [chalk.cyan, chalk.magenta, chalk.blue, chalk.yellow, chalk.green];
  return {
    error: chalk.red.bold,
    warning: chalk.yellow.bold,
    good: chalk.green,
    strong: chalk.bold,
    quiet: chalk.dim,
    mark: (text, number) => marks[number % marks.length]!(text),
  };
}
