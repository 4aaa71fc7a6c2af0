import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { claimNotice, keepNewest, planNotice, readKnownUpdate } from "../../src/upgrade/update-notice.ts";

const now = Date.parse("2026-11-26T12:00:00Z");
const hourMs = 3_600_000;
const signal = AbortSignal.timeout(60_000);

describe("a newer version", () => {
  test("is asked for at first, and told once it is known", () => {
    expect(planNotice({}, "1.0.0", now)).toEqual({ newer: undefined, asks: true, known: { askedAt: now } });
    expect(planNotice({ askedAt: now, newest: "1.1.0" }, "1.0.0", now)).toEqual({
      newer: "1.1.0",
      asks: false,
      known: { askedAt: now, newest: "1.1.0", toldAt: now },
    });
  });

  test("is asked for and told at most once a day", () => {
    const known = { askedAt: now, toldAt: now, newest: "1.1.0" };
    expect(planNotice(known, "1.0.0", now + 23 * hourMs)).toEqual({ newer: undefined, asks: false, known });
    const later = now + 24 * hourMs;
    expect(planNotice(known, "1.0.0", later)).toMatchObject({ newer: "1.1.0", asks: true });
  });

  test("is told by no clock that was set back for ever", () => {
    expect(planNotice({ askedAt: now + 48 * hourMs }, "1.0.0", now).asks).toBe(true);
  });

  test.each(["1.1.0", "1.2.0", "1.1.1"])("is none for %s", (version) => {
    expect(planNotice({ askedAt: now, newest: "1.1.0" }, version, now).newer).toBeUndefined();
  });

  test("is kept in the home; what cannot be read is as if nothing was known", async () => {
    await using home = await newHome();
    expect(await readKnownUpdate(home.path)).toEqual({});
    expect(await claimNotice(home.path, "1.0.0", now)).toEqual({ newer: undefined, asks: true });
    await keepNewest(home.path, "1.1.0", signal);
    expect(await readKnownUpdate(home.path)).toEqual({ askedAt: now, newest: "1.1.0" });
    for (const text of ["{", "null", '{"newest": "rm -rf", "askedAt": "x"}']) {
      await writeFile(join(home.path, "newest-version.json"), text);
      expect(await readKnownUpdate(home.path), text).toEqual({});
    }
  });

  test("is asked for and told by one of those that end at the same time, in one process or in several", async () => {
    await using home = await newHome();
    await keepNewest(home.path, "1.1.0", signal);
    const module = JSON.stringify(
      pathToFileURL(resolve(import.meta.dirname, "../../src/upgrade/update-notice.ts")).href,
    );
    // They begin together, at a time that all of them know.
    const startAt = Date.now() + 1_000;
    const script = `
      const { claimNotice } = await import(${module});
      while (Date.now() < ${startAt});
      const claims = Array.from({ length: 3 }, () => claimNotice(${JSON.stringify(home.path)}, "1.0.0", ${now}));
      console.log(JSON.stringify(await Promise.all(claims)));`;
    const ran = Array.from({ length: 3 }, () =>
      promisify(execFile)(process.execPath, ["--no-warnings", "--input-type=module", "-e", script]),
    );
    const found = (await Promise.all(ran)).flatMap(
      ({ stdout }) => JSON.parse(stdout) as { newer?: string; asks: boolean }[],
    );
    expect(found.filter(({ newer }) => newer !== undefined)).toHaveLength(1);
    expect(found.filter(({ asks }) => asks)).toHaveLength(1);
  });
});

async function newHome() {
  const path = await mkdtemp(join(tmpdir(), "cortex-test-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
