import { CortexError, type ErrorCode, type Problem } from "../../core/errors.ts";

/** One reason why a cluster cannot become what is described. */
export interface Finding extends Problem {
  readonly code: ErrorCode;
}

/** What one check found: reasons against it, and what the user should know. */
export interface Findings {
  readonly findings: readonly Finding[];
  readonly warnings: readonly string[];
}

export const nothingFound: Findings = { findings: [], warnings: [] };

/** Of several reasons the first kind here names the whole: without rights nothing else can be trusted. */
const precedence: readonly ErrorCode[] = ["NOT_AUTHORISED", "NOT_SUPPORTED", "SPEC_INVALID", "CONFLICT", "NO_CAPACITY"];

export function join(all: readonly Findings[]): Findings {
  return {
    findings: all.flatMap(({ findings }) => findings),
    warnings: all.flatMap(({ warnings }) => warnings),
  };
}

/** @throws CortexError with all of `findings`, unless there are none @param cluster `cortex in us-east-1` */
export function throwFindings(findings: readonly Finding[], cluster: string): void {
  const [first, ...rest] = findings;
  if (!first) return;
  const code = precedence.find((one) => findings.some((finding) => finding.code === one)) ?? first.code;
  const { message, hint } = first;
  if (rest.length === 0) throw new CortexError(code, message, hint === undefined ? {} : { hint });
  const problems = findings.map(({ code: _, ...problem }) => problem);
  throw new CortexError(code, `${problems.length} things stand against cluster ${cluster}`, { problems });
}

/** @returns the reasons in what was thrown; undefined for an error that is none against the cluster: a bug, no connection */
export function findingsOf(error: unknown): readonly Finding[] | undefined {
  if (!(error instanceof CortexError) || !precedence.includes(error.code)) return undefined;
  const { code, message, hint, problems } = error;
  if (problems.length > 0) return problems.map((problem) => ({ code, ...problem }));
  return [{ code, message, ...(hint !== undefined && { hint }) }];
}
