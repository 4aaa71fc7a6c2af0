import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { contentType } from "../../src/cli/predict.ts";
import { FakeEnvironment } from "./support/fake-environment.ts";
import { runCommand } from "./support/run-command.ts";

async function* parts(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

const answering = (status: number, ...texts: readonly string[]) =>
  new FakeEnvironment({ answer: () => ({ status, headers: {}, body: parts(...texts) }) });

describe("predict", () => {
  test("sends JSON from the command line and prints the body as it came", async () => {
    const environment = answering(200, '{"label": ', '"setosa"}');
    const ran = await runCommand(["predict", "iris", "-d", '{"x": 1}', "-H", "X-Trace: 7"], { environment });
    expect(ran).toEqual({ status: 0, stdout: '{"label": "setosa"}', stderr: "" });
    expect(environment.calls).toEqual([
      {
        request: "iris",
        method: "POST",
        path: "",
        headers: { "content-type": "application/json", "x-trace": "7" },
        body: '{"x": 1}',
      },
    ]);
  });

  test("ends the body with a newline for a terminal alone", async () => {
    const ran = await runCommand(["predict", "iris", "-d", "1"], {
      environment: answering(200, "one"),
      isTerminal: true,
    });
    expect(ran.stdout).toBe("one\n");
  });

  test("sends a file with the content type that its extension tells", async () => {
    const folder = await mkdtemp(join(tmpdir(), "cortex-cli-"));
    try {
      await writeFile(join(folder, "sample.csv"), "1,2");
      const environment = answering(200);
      await runCommand(["predict", "iris", "sample.csv"], { environment, workingFolder: folder });
      expect(environment.calls).toMatchObject([{ headers: { "content-type": "text/csv" }, body: "1,2" }]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test.for([
    ['{"x": 1}', "application/json"],
    ["no json", "application/octet-stream"],
  ] as const)("sends standard input %s as %s", async ([input, type]) => {
    const environment = answering(200);
    await runCommand(["predict", "iris", "-"], { environment, input });
    expect(environment.calls).toMatchObject([{ headers: { "content-type": type }, body: input }]);
  });

  test("with -X GET and --path sends no body below the endpoint", async () => {
    const environment = answering(200);
    await runCommand(["predict", "iris", "-X", "get", "--path", "info?full=1"], { environment });
    expect(environment.calls).toMatchObject([{ method: "GET", path: "/info?full=1", headers: {}, body: "" }]);
  });

  test("prints an answer that is no 2xx on stderr and ends with 1", async () => {
    const ran = await runCommand(["predict", "iris", "-d", "1"], {
      environment: answering(500, '{"error": "broken"}'),
    });
    expect(ran).toEqual({
      status: 1,
      stdout: "",
      stderr:
        'error: iris answered 500 Internal Server Error\n  | {"error": "broken"}\nhint: `cortex logs iris -n 50` shows what it printed\n',
    });
  });

  test("of a file that is not there ends with 4, and knows JSON that was meant for -d", async () => {
    const ran = await runCommand(["predict", "iris", '{"x": 1}'], { environment: answering(200) });
    expect(ran.status).toBe(4);
    expect(ran.stderr).toContain("to send JSON from the command line, use -d");
  });

  test("takes bytes for what it does not know", () => {
    expect(contentType("weights.npy")).toBe("application/octet-stream");
    expect(contentType("PHOTO.JPG")).toBe("image/jpeg");
  });
});
