import { describe, expect, test } from "vitest";
import { compareVersions, parseVersion } from "../../src/core/program-update.ts";

describe("versions", () => {
  test("are ordered as semantic versioning orders them", () => {
    const ordered = ["0.9.10", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11"];
    const all = [...ordered, "1.0.0-rc.1", "1.0.0", "1.0.10", "1.2.0", "1.10.0", "2.0.0"];
    expect(all.toReversed().toSorted(compareVersions)).toEqual(all);
    expect(compareVersions("1.2.3", "1.2.3")).toBe(0);
  });

  test("may be written with a v, and nothing else is one", () => {
    expect(parseVersion("v1.2.3")).toBe("1.2.3");
    expect(parseVersion("1.2.3-rc.1")).toBe("1.2.3-rc.1");
    for (const text of ["", "1", "1.2", "latest", "1.2.3/../..", "1.2.3-", "1.2.3 "])
      expect(parseVersion(text)).toBeUndefined();
  });
});
