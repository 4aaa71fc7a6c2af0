import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { keepKnownUpdate, planNotice, readKnownUpdate } from "../../src/upgrade/update-notice.ts";

const now = Date.parse("2026-11-26T12:00:00Z");
const hourMs = 3_600_000;

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
    const home = await mkdtemp(join(tmpdir(), "cortex-test-"));
    try {
      expect(await readKnownUpdate(home)).toEqual({});
      await keepKnownUpdate(home, { askedAt: now, newest: "1.1.0" });
      expect(await readKnownUpdate(home)).toEqual({ askedAt: now, newest: "1.1.0" });
      for (const text of ["{", "null", '{"newest": "rm -rf", "askedAt": "x"}']) {
        await writeFile(join(home, "newest-version.json"), text);
        expect(await readKnownUpdate(home), text).toEqual({});
      }
    } finally {
      await rm(home, { recursive: true });
    }
  });
});
