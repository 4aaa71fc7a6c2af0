/** What a registry asks for before it answers: one way of a `WWW-Authenticate` header. */
export interface Challenge {
  /** In small letters, e.g. "bearer". */
  readonly scheme: string;
  /** Names in small letters. */
  readonly parameters: Readonly<Record<string, string>>;
}

const token = /^[\w!#$%&'*+.^`|~-]+/;

/** @returns the ways that a `WWW-Authenticate` header offers; what cannot be understood ends the list */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  let rest = header;
  for (;;) {
    rest = rest.replace(/^[\s,]+/, "");
    const name = token.exec(rest)?.[0];
    if (name === undefined) return challenges;
    rest = rest.slice(name.length).trimStart();
    const current = challenges.at(-1);
    if (current && rest.startsWith("=")) {
      const value = parameterValue(rest.slice(1).trimStart());
      current.parameters[name.toLowerCase()] = value.value;
      rest = value.rest;
    } else {
      challenges.push({ scheme: name.toLowerCase(), parameters: {} });
    }
  }
}

function parameterValue(text: string): { value: string; rest: string } {
  if (!text.startsWith('"')) {
    const value = token.exec(text)?.[0] ?? "";
    return { value, rest: text.slice(value.length) };
  }
  const quoted = /^"((?:[^"\\]|\\.)*)"?/.exec(text)!;
  return { value: quoted[1]!.replace(/\\(.)/g, "$1"), rest: text.slice(quoted[0].length) };
}
