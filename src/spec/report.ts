import { CortexError, type Problem } from "../core/errors.ts";
import type { Place } from "./yaml/node.ts";
import type { Source } from "./yaml/source.ts";

interface Finding {
  readonly place: Place;
  readonly cause: string;
  readonly hint: string | undefined;
}

/** Collects what is wrong with a file, so that all of it is told at once. */
export interface Report {
  problem(place: Place, cause: string, hint?: string): void;
  /** Something that is accepted yet should be written otherwise; told once per `subject`, at its first place. */
  warning(place: Place, subject: string, cause: string, hint: string): void;
  readonly hasProblems: boolean;
  /**
   * @param nameOf what to call an item of the top-level list
   * @throws SPEC_INVALID with all problems in file order, when there are any
   */
  throwProblems(nameOf: (item: number) => string): void;
  /** In file order. */
  warnings(nameOf: (item: number) => string): readonly Problem[];
}

/** More than these are counted, not listed. */
const mostProblems = 100;

export function createReport(source: Source): Report {
  const findings: Finding[] = [];
  const warned = new Map<string, { readonly finding: Finding; count: number }>();

  const asProblem = ({ place, cause, hint }: Finding, nameOf: (item: number) => string): Problem => {
    const name = place.item === undefined ? undefined : nameOf(place.item);
    const { text, ...at } = source.locate(place.offset);
    return {
      message: [name, place.path, cause].filter((part) => part !== undefined && part !== "").join(": "),
      // Values of environment variables may be secrets, as AWS's keys are: their lines are named, not shown.
      at: text === undefined || maybeSecret(place.path) ? at : { ...at, text },
      ...(hint !== undefined && { hint }),
    };
  };

  return {
    problem: (place, cause, hint) => void findings.push({ place, cause, hint }),
    warning(place, subject, cause, hint) {
      const seen = warned.get(subject);
      if (seen) seen.count += 1;
      else warned.set(subject, { finding: { place, cause, hint }, count: 1 });
    },
    get hasProblems() {
      return findings.length > 0;
    },
    throwProblems(nameOf) {
      if (findings.length === 0) return;
      const ordered = findings.toSorted((a, b) => a.place.offset - b.place.offset);
      throw problemsError(
        ordered.slice(0, mostProblems).map((finding) => asProblem(finding, nameOf)),
        source.file,
        ordered.length,
      );
    },
    warnings: (nameOf) =>
      [...warned.values()]
        .sort((a, b) => a.finding.place.offset - b.finding.place.offset)
        .map(({ finding, count }) => {
          const cause = count > 1 ? `${finding.cause} (and ${count - 1} more in this file)` : finding.cause;
          return asProblem({ ...finding, cause }, nameOf);
        }),
  };
}

function problemsError(problems: readonly Problem[], file: string, total: number): CortexError {
  const [first] = problems;
  if (total === 1 && first) return new CortexError("SPEC_INVALID", first.message, { ...first, problems });
  const shown = total > problems.length ? `, the first ${problems.length} of them here` : "";
  return new CortexError("SPEC_INVALID", `${total} problems in ${file}${shown}`, { problems });
}

const maybeSecret = (path: string): boolean => /(^|\.)env(\.|$)|access_key/.test(path);
