import { CortexError, type Problem } from "../../core/errors.ts";
import type { RequirementLine, Requirements } from "../../packages/requirements.ts";

const wayOut =
  "put a wheel of it into the project and name that (./NAME.whl), or install it in an image of your own and name that as handler.image";

/**
 * Refuses what could only be installed by running code of the package, which nothing here does: an image is put together, not
 * built inside of one.
 * @throws NOT_SUPPORTED with every such line
 */
export function refuseBuilds({ lines }: Requirements): void {
  const problems = lines.flatMap((line): Problem[] => {
    const why = reason(line.text);
    if (why === undefined) return [];
    const { file, text } = line;
    return [{ message: `${text} ${why}`, hint: wayOut, at: { file, line: line.line, column: 1, text } }];
  });
  const [first] = problems;
  if (!first) return;
  if (problems.length === 1) throw new CortexError("NOT_SUPPORTED", first.message, first);
  throw new CortexError("NOT_SUPPORTED", `${problems.length} requirements would have to be built`, { problems });
}

/** @throws NOT_SUPPORTED for a file of the project that says how to install by running something */
export function refuseScript(file: string): never {
  throw new CortexError("NOT_SUPPORTED", `${file} would have to run inside of the image, and nothing does`, {
    hint: "run it as a step of an image of your own (RUN in its Dockerfile), and name that as handler.image or with --base-image",
  });
}

export function noWheel(what: string, target: string, requirements: Requirements, details: string): CortexError {
  const name = what.split(/[^\w.-]/)[0]!;
  const found = requirements.lines.find(({ text }) => plainName(text) === plainName(name));
  return new CortexError("PACKAGES_FAILED", `${what} has no wheel for ${target}, and nothing is built here`, {
    ...(found && { at: placeOf(found) }),
    hint: `ask for another version of it, ${wayOut}`,
    ...(details && { details }),
  });
}

function reason(text: string): string | undefined {
  if (/^(?:-e|--editable)\b/.test(text)) return "is installed from its source";
  if (/^--no-binary\b/.test(text)) return "asks for a build from source";
  if (text.startsWith("-")) return undefined;
  const what = text.split(/\s+;\s|\s+--/)[0]!.trim();
  if (/(?:^|@\s*)(?:git|hg|svn|bzr)\+/.test(what)) return "is source code, which would have to be built";
  if (/^\.{1,2}$|^\.{0,2}\/.*\/$/.test(what)) return "is a folder, which would have to be built";
  const address = /@\s*(\S+)$/.exec(what)?.[1] ?? what;
  const path = address.replace(/[#?].*$/, "").replace(/\[[^\]]*\]$/, "");
  if (/\.(?:tar\.(?:gz|bz2|xz)|tgz|zip)$/i.test(path)) return "is source code, which would have to be built";
  const isLocal = /^(?:file:)?\.{0,2}\//.test(path) && !/^file:\/\/[^/]/.test(path);
  return isLocal && !/\.whl$/i.test(path) ? "is a folder, which would have to be built" : undefined;
}

function placeOf({ file, line, text }: RequirementLine) {
  return { file, line, column: 1, text };
}

function plainName(text: string): string {
  return (/^[\w.-]+/.exec(text)?.[0] ?? text).toLowerCase().replace(/[-_.]+/g, "-");
}
