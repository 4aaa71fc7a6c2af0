import type { App } from "./app.ts";

/** Says what is being done when it takes longer than a second; a large model is hashed before it is known to be unchanged. */
export async function sayWhenSlow<T>(app: App, what: string, work: Promise<T>): Promise<T> {
  const saying = setTimeout(() => void app.terminal.stderr.write(`${what}\n`), 1_000);
  try {
    return await work;
  } finally {
    clearTimeout(saying);
  }
}
