export type Variables = Readonly<Record<string, string | undefined>>;

export interface Filled {
  readonly text: string;
  /** Why a variable could not be filled in; `text` then stays as it was written. */
  readonly problems: readonly { readonly cause: string; readonly hint: string }[];
}

const reference = /\$\$\{|\$\{([^}\n]*)(\}?)/g;
const form = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/;

/**
 * Fills `${NAME}` and `${NAME:-default}` in; `$${` stands for a literal `${`, and `$NAME` is left alone.
 * As in a shell, the default also takes the place of a variable that is set to nothing.
 */
export function fillVariables(written: string, variables: Variables): Filled {
  if (!written.includes("${")) return { text: written, problems: [] };
  const problems: { cause: string; hint: string }[] = [];
  const text = written.replace(reference, (whole, inner: string | undefined, close: string | undefined) => {
    if (inner === undefined) return "${";
    const [, name, fallback] = (close === "}" && form.exec(inner)) || [];
    if (name === undefined) {
      problems.push({
        cause: close === "}" ? `${whole} is not the name of a variable` : `\${ is not closed by a }`,
        hint: `write \${NAME} or \${NAME:-default}; $\${ stands for \${ itself`,
      });
      return whole;
    }
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (fallback !== undefined) return value || fallback;
    if (value !== undefined) return value;
    problems.push({
      cause: `the environment variable ${name} is not set`,
      hint: `set it, give it a default as in \${${name}:-value}, or write $\${${name}} to keep the text as it is`,
    });
    return whole;
  });
  return problems.length > 0 ? { text: written, problems } : { text, problems };
}

/** What has a meaning for YAML and may stand inside `${...}`, and a noncharacter of Unicode for each. */
const special = "{}[],:#";
const firstMask = 0xfdd0;
const masks = /[\uFDD0-\uFDD6]/g;

/**
 * Hides from YAML what is inside `${...}`, so that `{max_replicas: ${MAX:-3}}` is a map of one value. Offsets stay.
 * @returns the text to parse, and what turns a part of it back
 */
export function maskReferences(text: string): { readonly masked: string; unmask(part: string): string } {
  if (!text.includes("${") || text.search(masks) !== -1) return { masked: text, unmask: (part) => part };
  const mask = (char: string): string => String.fromCharCode(firstMask + special.indexOf(char));
  const masked = text.replace(/\$\{[^}\n]*\}/g, (whole) => whole.replace(/[{}[\],:#]/g, mask));
  const unmask = (part: string): string =>
    part.replace(masks, (char) => special[char.charCodeAt(0) - firstMask] ?? char);
  return { masked, unmask };
}
