import type { Zone } from "../facts.ts";
import type { Finding } from "./findings.ts";

/** Zones in which Amazon EKS puts no control plane; the same in every account. */
const withoutControlPlanes = new Set(["use1-az3", "usw1-az2", "cac1-az3", "cnn1-az4"]);
/** A control plane needs two; the third keeps quorum when one is lost. */
const fewest = 2;
const usual = 3;

export interface TypeUse {
  readonly type: string;
  /** As the user wrote it: `node_groups.cpu.instance_type`. */
  readonly field: string;
  /** Must be had in every zone; others only in one of them. */
  readonly isEverywhere: boolean;
}

export interface ZoneQuestion {
  readonly region: string;
  /** All that the account may use, by name. */
  readonly zones: readonly Zone[];
  /** Types by the name of the zone that offers them. */
  readonly offered: ReadonlyMap<string, ReadonlySet<string>>;
  readonly uses: readonly TypeUse[];
  /** Zones that are settled, by name: the user's choice, those of the user's subnets or of the cluster as it is. */
  readonly settled?: {
    readonly names: readonly string[];
    readonly by: "availability_zones" | "subnets" | "cluster";
  };
  /** Taken first among those that will do, by name. */
  readonly preferred: readonly string[];
}

export interface ZoneAnswer {
  readonly zones: readonly Zone[];
  readonly findings: readonly Finding[];
}

/** Pure. @returns zones in order, fewer than two only with findings that say why */
export function chooseZones(question: ZoneQuestion): ZoneAnswer {
  const offeredNowhere = question.uses.filter(({ type }) => !isOfferedIn(question, type, question.zones));
  const findings: Finding[] = offeredNowhere.map(({ field, type }) =>
    invalid(`${field}: there is no ${type} in ${question.region}`, "choose another instance type, or another region"),
  );
  const uses = question.uses.filter((use) => !offeredNowhere.includes(use));
  const answer = question.settled ? settledZones({ ...question, uses }) : bestZones({ ...question, uses });
  return { zones: answer.zones, findings: [...findings, ...answer.findings] };
}

function bestZones(question: ZoneQuestion): ZoneAnswer {
  const { zones, uses, region, preferred } = question;
  const usable = zones.filter(({ id }) => !withoutControlPlanes.has(id));
  const complete = usable.filter((zone) => missingIn(question, zone).length === 0);
  if (complete.length < fewest) return { zones: [], findings: [tooFewZones(question, usable, complete)] };
  // Sorting keeps the order by name among equals, so the same question has the same answer.
  const lack = (zone: Zone) =>
    preferred.includes(zone.name) ? -1 : uses.filter(({ type }) => !isOfferedIn(question, type, [zone])).length;
  const best = [...complete].sort((a, b) => lack(a) - lack(b)).slice(0, usual);
  const chosen = zones.filter((zone) => best.includes(zone));
  const findings = uses
    .filter(({ type }) => !isOfferedIn(question, type, chosen))
    .map(({ field, type }) =>
      invalid(
        `${field}: none of ${namesOf(chosen)} offers ${type}`,
        `remove it, or write availability_zones in ${region} that offer it`,
      ),
    );
  return { zones: chosen, findings };
}

function settledZones(question: ZoneQuestion): ZoneAnswer {
  const { zones, settled, region } = question;
  const names = settled?.names ?? [];
  const chosen = names.flatMap((name) => zones.filter((zone) => zone.name === name));
  const unknown = names.filter((name) => !zones.some((zone) => zone.name === name));
  const findings = [
    ...unknown.map((name) =>
      invalid(`${fieldOf(settled)}: there is no zone ${name} in ${region}`, `choose among ${namesOf(zones)}`),
    ),
    ...chosen.flatMap((zone) => findingsIn(question, zone)),
  ];
  if (findings.length === 0 && new Set(names).size < fewest) {
    findings.push(invalid(`${fieldOf(settled)}: a control plane needs two zones`, `choose among ${namesOf(zones)}`));
  }
  return { zones: chosen, findings };
}

function findingsIn(question: ZoneQuestion, zone: Zone): readonly Finding[] {
  const by = question.settled?.by;
  if (by !== "cluster" && withoutControlPlanes.has(zone.id)) {
    const usable = question.zones.filter(({ id }) => !withoutControlPlanes.has(id));
    const message = `${fieldOf(question.settled)}: Amazon EKS has no control planes in ${zone.name} (${zone.id})`;
    return [invalid(message, `choose among ${namesOf(usable)}`)];
  }
  return missingIn(question, zone).map(({ field, type }) => {
    const offering = question.zones.filter((one) => isOfferedIn(question, type, [one]));
    const hint =
      by === "availability_zones"
        ? `choose among ${namesOf(offering)}`
        : `choose another instance type; ${type} is in ${namesOf(offering)} only`;
    return invalid(`${field}: ${zone.name} does not offer ${type}`, hint);
  });
}

function tooFewZones(question: ZoneQuestion, usable: readonly Zone[], complete: readonly Zone[]): Finding {
  const types = [...new Set(question.uses.filter(({ isEverywhere }) => isEverywhere).map(({ type }) => type))];
  const lacks = usable
    .map((zone) => ({ zone, missing: missingIn(question, zone) }))
    .filter(({ missing }) => missing.length > 0)
    .map(({ zone, missing }) => `${zone.name} lacks ${[...new Set(missing.map(({ type }) => type))].join(", ")}`);
  const found = complete.length === 0 ? "no zone" : `only ${namesOf(complete)}`;
  const message = `${found} of ${question.region} offers all of ${types.join(", ")}, and two are needed: ${lacks.join("; ")}`;
  return invalid(message, "choose other instance types, or another region");
}

function missingIn(question: ZoneQuestion, zone: Zone): readonly TypeUse[] {
  return question.uses.filter(({ type, isEverywhere }) => isEverywhere && !isOfferedIn(question, type, [zone]));
}

function isOfferedIn({ offered }: ZoneQuestion, type: string, zones: readonly Zone[]): boolean {
  return zones.some(({ name }) => offered.get(name)?.has(type));
}

function fieldOf(settled: ZoneQuestion["settled"]): string {
  return settled?.by === "subnets" ? "subnets" : "availability_zones";
}

function namesOf(zones: readonly Zone[]): string {
  return zones.map(({ name }) => name).join(", ");
}

function invalid(message: string, hint: string): Finding {
  return { code: "SPEC_INVALID", message, hint };
}
