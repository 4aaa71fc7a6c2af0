import { expect, test } from "vitest";
import { codeAsker } from "../../src/cli/ask-code.ts";
import { fakeApp } from "./support/run-command.ts";

const device = "arn:aws:iam::123456789012:mfa/ada";

function asker(answers: readonly string[], isTerminal: boolean) {
  const written: string[] = [];
  const { signal } = new AbortController();
  const { terminal } = fakeApp([], { answers, isTerminal }, signal, (_, text) => written.push(text));
  return { ask: codeAsker(() => terminal, signal), written };
}

test("the code of a second factor is asked for on the terminal, naming the device", async () => {
  const { ask, written } = asker([" 123456 "], true);
  expect(await ask(device)).toBe("123456");
  expect(written).toEqual([`code of ${device}: `]);
});

test("where nobody can be asked, that is said", async () => {
  const { ask, written } = asker([], false);
  await expect(ask(device)).rejects.toMatchObject({ code: "NOT_AUTHORISED", message: expect.stringContaining(device) });
  expect(written).toEqual([]);
});

test("no answer ends it", async () => {
  await expect(asker([], true).ask(device)).rejects.toMatchObject({ code: "INTERRUPTED" });
});
