import { describe, expect, test } from "vitest";
import { chooseAddonVersion, chooseVersion } from "../../src/cluster/upgrade.ts";
import { compareVersions } from "../../src/cluster/versions.ts";

const offered = ["1.35", "1.34", "1.33", "1.32"];

describe("the version that a cluster is brought to", () => {
  const at = (controlPlane: string, nodes: readonly string[], asked?: string) =>
    chooseVersion({ controlPlane, nodes, asked, offered });

  test("is the next one that EKS offers", () => {
    expect(at("1.33", ["1.33", "1.33"])).toBe("1.34");
  });

  test("is its own, where EKS offers none after it", () => {
    expect(at("1.35", ["1.35"])).toBe("1.35");
  });

  test("is its own first, where nodes were left behind by an upgrade that was interrupted", () => {
    expect(at("1.34", ["1.34", "1.33"])).toBe("1.34");
  });

  test("is the one that is asked for, nodes behind or not", () => {
    expect(at("1.33", ["1.32"], "1.34")).toBe("1.34");
    expect(at("1.33", ["1.33"], "1.33")).toBe("1.33");
  });

  test.each([
    ["1.32", ["1.32"], "1.34", "one minor version further at a time", "--version 1.33"],
    ["1.34", ["1.34"], "1.33", "takes none back", "new cluster"],
    ["1.35", ["1.35"], "1.36", "does not offer", "1.32, 1.33, 1.34, 1.35"],
    ["1.34", ["1.31"], "1.35", "nodes of 1.31", "--version 1.34"],
  ])("is refused: from %s with nodes %j to %s", (controlPlane, nodes, asked, message, hint) => {
    const refusal = () => at(controlPlane, nodes, asked);
    expect(refusal).toThrow(expect.objectContaining({ code: "NOT_SUPPORTED" }));
    expect(refusal).toThrow(expect.objectContaining({ message: expect.stringContaining(message) }));
    expect(refusal).toThrow(expect.objectContaining({ hint: expect.stringContaining(hint) }));
  });
});

describe("the version of an add-on", () => {
  const info = (addonVersion: string, ...compatible: readonly (readonly [string, boolean])[]) => ({
    addonVersion,
    compatibilities: compatible.map(([clusterVersion, defaultVersion]) => ({ clusterVersion, defaultVersion })),
  });
  const infos = [
    info("v1.9.0-eksbuild.1", ["1.33", true], ["1.34", false]),
    info("v1.10.1-eksbuild.2", ["1.34", true]),
    info("v1.10.2-eksbuild.1", ["1.34", false]),
  ];

  test("becomes the one that EKS takes by default", () => {
    expect(chooseAddonVersion("v1.9.0-eksbuild.1", "1.34", infos)).toBe("v1.10.1-eksbuild.2");
  });

  test("stays where it is as good or newer", () => {
    expect(chooseAddonVersion("v1.10.1-eksbuild.2", "1.34", infos)).toBeUndefined();
    expect(chooseAddonVersion("v1.10.2-eksbuild.1", "1.34", infos)).toBeUndefined();
  });

  test("goes no step back where a newer build of it goes with the version", () => {
    expect(chooseAddonVersion("v1.10.1-eksbuild.5", "1.34", infos)).toBe("v1.10.2-eksbuild.1");
  });

  test("becomes the default where today's does not go with it, and stays where nothing is known", () => {
    expect(chooseAddonVersion("v2.0.0", "1.34", infos)).toBe("v1.10.1-eksbuild.2");
    expect(chooseAddonVersion("v2.0.0", "1.40", infos)).toBeUndefined();
  });
});

test("versions are ordered by their numbers", () => {
  const ordered = ["1.9", "1.10", "v1.20.4-eksbuild.1", "v1.20.4-eksbuild.2", "v1.20.10-eksbuild.1"];
  expect(ordered.toReversed().toSorted(compareVersions)).toEqual(ordered);
});
