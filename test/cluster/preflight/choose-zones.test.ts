import { describe, expect, test } from "vitest";
import { chooseZones, type TypeUse, type ZoneQuestion } from "../../../src/cluster/preflight/choose-zones.ts";

const zones = ["a", "b", "c", "d", "e"].map((letter, index) => ({
  name: `us-east-1${letter}`,
  id: `use1-az${[4, 6, 3, 1, 2][index]}`,
}));
const everywhere = (type: string): TypeUse => ({ type, field: "node_groups.cpu.instance_type", isEverywhere: true });
const alternative = (type: string): TypeUse => ({
  type,
  field: "node_groups.cpu.spot_config.instance_distribution",
  isEverywhere: false,
});

/** @param offers letters of zones by type */
function question(offers: Record<string, string>, changes: Partial<ZoneQuestion> = {}): ZoneQuestion {
  const offered = new Map(
    zones.map(({ name }) => [
      name,
      new Set(Object.keys(offers).filter((type) => offers[type]!.includes(name.at(-1)!))),
    ]),
  );
  return { region: "us-east-1", zones, offered, uses: [everywhere("m5.large")], preferred: [], ...changes };
}

function chosen(asked: ZoneQuestion) {
  const { zones: found, findings } = chooseZones(asked);
  return { zones: found.map(({ name }) => name.at(-1)).join(""), findings: findings.map(({ message }) => message) };
}

describe("where nobody named zones", () => {
  test("three are taken that offer every type, but none without control planes of EKS", () => {
    expect(chosen(question({ "m5.large": "abcde" }))).toEqual({ zones: "abd", findings: [] });
    expect(chosen(question({ "m5.large": "bde" }))).toEqual({ zones: "bde", findings: [] });
    expect(chosen(question({ "m5.large": "ae" }))).toEqual({ zones: "ae", findings: [] });
  });

  test("those that offer the alternatives, too, go before others", () => {
    const uses = [everywhere("m5.large"), alternative("m5a.large")];
    expect(chosen(question({ "m5.large": "abde", "m5a.large": "de" }, { uses }))).toEqual({
      zones: "ade",
      findings: [],
    });
  });

  test("those of a run that was interrupted go before all others", () => {
    const asked = question({ "m5.large": "abde" }, { preferred: ["us-east-1e", "us-east-1b"] });
    expect(chosen(asked)).toEqual({ zones: "abe", findings: [] });
  });

  test("it is said what each zone lacks when too few are left", () => {
    const uses = [everywhere("m5.large"), everywhere("p3.2xlarge")];
    const { zones: found, findings } = chosen(question({ "m5.large": "abd", "p3.2xlarge": "a" }, { uses }));
    expect(found).toBe("");
    expect(findings).toEqual([
      "only us-east-1a of us-east-1 offers all of m5.large, p3.2xlarge, and two are needed: us-east-1b lacks p3.2xlarge; us-east-1d lacks p3.2xlarge; us-east-1e lacks m5.large, p3.2xlarge",
    ]);
  });

  test("a type that the region does not have is said to be so, and nothing else of it", () => {
    const uses = [everywhere("m5.large"), everywhere("p9.large"), alternative("m5q.large")];
    expect(chosen(question({ "m5.large": "abde" }, { uses }))).toEqual({
      zones: "abd",
      findings: [
        "node_groups.cpu.instance_type: there is no p9.large in us-east-1",
        "node_groups.cpu.spot_config.instance_distribution: there is no m5q.large in us-east-1",
      ],
    });
  });
});

describe("zones that the file names", () => {
  const named = (letters: string) =>
    ({ names: [...letters].map((letter) => `us-east-1${letter}`), by: "availability_zones" }) as const;

  test("are taken in the order in which they stand", () => {
    expect(chosen(question({ "m5.large": "abde" }, { settled: named("da") }))).toEqual({ zones: "da", findings: [] });
  });

  test("must be there, offer every type, and take a control plane", () => {
    const { findings } = chooseZones(question({ "m5.large": "a" }, { settled: named("abcz") }));
    expect(findings.map(({ message, hint }) => [message, hint])).toEqual([
      [
        "availability_zones: there is no zone us-east-1z in us-east-1",
        expect.stringContaining("us-east-1a, us-east-1b"),
      ],
      ["node_groups.cpu.instance_type: us-east-1b does not offer m5.large", "choose among us-east-1a"],
      [
        "availability_zones: Amazon EKS has no control planes in us-east-1c (use1-az3)",
        "choose among us-east-1a, us-east-1b, us-east-1d, us-east-1e",
      ],
    ]);
  });
});

describe("zones of a cluster that exists", () => {
  const standing = (letters: string) =>
    ({ names: [...letters].map((letter) => `us-east-1${letter}`), by: "cluster" }) as const;

  test("stay, whatever would be chosen now", () => {
    const asked = question({ "m5.large": "abcde" }, { settled: standing("ce") });
    expect(chosen(asked)).toEqual({ zones: "ce", findings: [] });
  });

  test("must offer the types of a new group", () => {
    const asked = question(
      { "m5.large": "abde", "g5.xlarge": "a" },
      { settled: standing("ab"), uses: [everywhere("g5.xlarge")] },
    );
    const [finding] = chooseZones(asked).findings;
    expect(finding).toMatchObject({
      code: "SPEC_INVALID",
      message: "node_groups.cpu.instance_type: us-east-1b does not offer g5.xlarge",
      hint: "choose another instance type; g5.xlarge is in us-east-1a only",
    });
  });
});
