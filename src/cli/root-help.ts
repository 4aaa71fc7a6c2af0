import { catalog } from "./catalog.ts";

export const programSummary = "Turns a Python model into an autoscaling web API.";

export const rootExamples = `Examples:
  cortex deploy                          # serve the APIs of ./cortex.yaml
  cortex get                             # list what is deployed
  cortex predict iris sample.json        # send a request
  cortex logs iris -f                    # follow the log of all replicas

`;

/** What `cortex --help` prints, without commander; a test holds it equal to what commander would. */
export function rootHelp(): string {
  const terms = [...catalog.map(({ name, usage }) => `${name} ${usage}`.trim()), "help [topic]"];
  const width = Math.max(...terms.map((term) => term.length));
  const item = (term: string, text: string) => `  ${term.padEnd(width)}  ${text}`;
  const groups = [...new Set(catalog.map((entry) => entry.group))].map((group) =>
    [
      group,
      ...catalog
        .filter((entry) => entry.group === group)
        .map(({ name, usage, summary }) => item(`${name} ${usage}`.trim(), summary)),
      ...(group === catalog.at(-1)!.group ? [item("help [topic]", helpSummary)] : []),
      "",
    ].join("\n"),
  );
  return [
    `${rootExamples}Usage: cortex [options] [command]`,
    "",
    programSummary,
    "",
    "Options:",
    item("-v, --version", versionSummary),
    item("-h, --help", "display help for command"),
    "",
    ...groups,
  ].join("\n");
}

export const versionSummary = "print the version of this program";
export const helpSummary = "help for a command, or on exit-codes or variables";
