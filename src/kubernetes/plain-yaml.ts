interface Line {
  readonly indent: number;
  readonly text: string;
}

/** Thrown and caught here: the text has more of YAML in it than is read here. */
class TooRich extends Error {}

const entry = /^([A-Za-z0-9_][A-Za-z0-9_./-]*):(?: +(.*))?$/;
/** Scalars without quotes whose meaning is plain. */
const plain = /^[A-Za-z0-9_./~+-][A-Za-z0-9_./~+=:@,()* -]*$/;

/**
 * Reads the YAML that kubectl and its like write: maps, lists and scalars on a line each. The full parser takes longer to load
 * than such a file to read.
 * @returns undefined for all that has anything more in it, valid or not
 */
export function parsePlainYaml(text: string): { readonly value: unknown } | undefined {
  try {
    const lines = linesOf(text);
    if (lines.length === 0) return undefined;
    const reader = { lines, at: 0 };
    const value = block(reader, lines[0]!.indent);
    return reader.at === lines.length ? { value } : undefined;
  } catch (error) {
    if (error instanceof TooRich) return undefined;
    throw error;
  }
}

interface Reader {
  readonly lines: Line[];
  at: number;
}

function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trimEnd();
    if (line === "" || /^ *#/.test(line) || (index === 0 && line === "---")) continue;
    const indent = line.search(/[^ ]/);
    lines.push({ indent, text: line.slice(indent) });
  }
  return lines;
}

function block(reader: Reader, indent: number): unknown {
  return isItem(reader.lines[reader.at]!.text) ? list(reader, indent) : map(reader, indent);
}

function isItem(text: string): boolean {
  return text === "-" || text.startsWith("- ");
}

function map(reader: Reader, indent: number): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (let line = reader.lines[reader.at]; line && line.indent === indent; line = reader.lines[reader.at]) {
    const [, key, rest] = entry.exec(line.text) ?? [];
    // One that may be no text, or stands there twice, the full parser judges.
    if (key === undefined || typeof scalar(key) !== "string" || Object.hasOwn(found, key) || key === "__proto__") {
      throw new TooRich();
    }
    reader.at += 1;
    found[key] = rest === undefined ? below(reader, indent, true) : single(reader, indent, rest);
  }
  return found;
}

function list(reader: Reader, indent: number): unknown[] {
  const found: unknown[] = [];
  for (let line = reader.lines[reader.at]; line && line.indent === indent; line = reader.lines[reader.at]) {
    if (!isItem(line.text)) break;
    const rest = line.text.slice(1).trimStart();
    if (isItem(rest)) throw new TooRich();
    if (rest !== "" && entry.test(rest)) {
      // The map of the item begins on the line of its dash.
      const inner = indent + line.text.length - rest.length;
      reader.lines[reader.at] = { indent: inner, text: rest };
      found.push(map(reader, inner));
      ended(reader, indent);
    } else {
      reader.at += 1;
      found.push(rest === "" ? below(reader, indent, false) : single(reader, indent, rest));
    }
  }
  return found;
}

/** What a key or dash with nothing behind it has below it: nothing is null. A list may stand right under its key. */
function below(reader: Reader, indent: number, isOfKey: boolean): unknown {
  const next = reader.lines[reader.at];
  if (!next) return null;
  if (next.indent > indent) {
    const value = block(reader, next.indent);
    ended(reader, indent);
    return value;
  }
  return isOfKey && next.indent === indent && isItem(next.text) ? list(reader, indent) : null;
}

/** After a block its parent goes on, or one of its parent's: nothing stands between. */
function ended(reader: Reader, indent: number): void {
  const next = reader.lines[reader.at];
  if (next && next.indent > indent) throw new TooRich();
}

function single(reader: Reader, indent: number, text: string): unknown {
  const next = reader.lines[reader.at];
  if (next && next.indent > indent) throw new TooRich();
  return scalar(text);
}

function scalar(text: string): unknown {
  if (text === "{}") return {};
  if (text === "[]") return [];
  if (/^"[^"\\]*"$/.test(text) || /^'[^']*'$/.test(text)) return text.slice(1, -1);
  if (!plain.test(text) || text.includes(": ") || text.endsWith(":") || /^(-|---|\.\.\.)( |$)/.test(text))
    throw new TooRich();
  if (/^(null|~)$/i.test(text)) return null;
  if (/^(true|false)$/i.test(text)) return text.toLowerCase() === "true";
  if (/^[-+]?(\.(inf|nan)$|0[xo])/i.test(text)) throw new TooRich();
  if (!Number.isNaN(Number(text))) throw new TooRich();
  return text;
}
