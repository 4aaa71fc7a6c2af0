import { type ApiKind, apiKinds } from "./api.ts";
import { apiFields } from "./definitions/api-fields.ts";
import { clusterFields } from "./definitions/cluster-fields.ts";
import { defaultOf, oldNamesOf } from "./explain.ts";
import { fieldsBelow } from "./field-paths.ts";
import type { Field, Fields } from "./shape/shape.ts";
import { queueRename, renames } from "./spellings/renames.ts";

/** The reference of both configuration files, as Markdown. */
export function configurationReference(): string {
  return [
    "# Configuration reference",
    "",
    "<!-- Written by scripts/write-config-docs.ts from src/spec/definitions: change those, then run it. -->",
    "",
    "`cortex explain FIELD` says the same in the terminal. Editors complete and check the files with the JSON Schemas in",
    "[schemas/](schemas); with a comment in the first line, for example:",
    "",
    "```yaml",
    "# yaml-language-server: $schema=/path/to/cortex/docs/schemas/cortex.schema.json",
    "```",
    "",
    ...variables,
    "",
    "## cortex.yaml",
    "",
    "A list of APIs. The smallest one:",
    "",
    "```yaml",
    "- name: iris",
    "  kind: RealtimeAPI",
    "  handler:",
    "    path: handler.py",
    "```",
    "",
    ...tables(apiFields, ""),
    "### Older spellings",
    "",
    "Files of every release since 0.14 are read; each older key is named in a warning.",
    "",
    "| Older key | Releases | Write instead |",
    "| --- | --- | --- |",
    ...[...renames, queueRename].map(
      ({ from, to, releases }) =>
        `| \`${from}\` | ${releases} | ${to === undefined ? "nothing: it has no effect" : `\`${to}\``} |`,
    ),
    "",
    "## cluster.yaml",
    "",
    "A map. The smallest one:",
    "",
    "```yaml",
    "region: us-east-1",
    "node_groups:",
    "  - name: cpu",
    "    instance_type: m5.large",
    "```",
    "",
    ...tables(clusterFields, ""),
  ].join("\n");
}

const variables =
  `In both files, \`\${NAME}\` is replaced by an environment variable, and \`\${NAME:-default}\` by the default where
that is unset or empty; \`$\${\` stands for \`\${\`. A variable that is not set and has no default is an error. What is filled
in is a value and nothing else: it can hold no keys or lists.`.split("\n");

/** One table for these fields, then one for each field that has fields below it. */
function tables(fields: Fields, path: string): string[] {
  const rows = Object.entries(fields).map(([key, field]) => row(key, field, path));
  const below = Object.entries(fields).flatMap(([key, field]) => {
    const inner = fieldsBelow(field.shape);
    if (!inner) return [];
    const innerPath = `${path ? `${path}.` : ""}${key}${inner.suffix}`;
    return [`### ${innerPath}`, "", field.description, "", ...tables(inner.fields, innerPath)];
  });
  return ["| Field | Type | Default | Meaning |", "| --- | --- | --- | --- |", ...rows, "", ...below];
}

function row(key: string, field: Field<unknown>, path: string): string {
  const full = `${path ? `${path}.` : ""}${key}`.replaceAll("[]", "");
  const fallback = field.isRequired ? "required" : code(field, defaultOf(field));
  const meaning = [
    field.description,
    field.shape.limits && `Allowed: ${field.shape.limits}.`,
    field.kinds && kindsText(field.kinds),
    oldNamesOf(full).length > 0 &&
      `Formerly ${oldNamesOf(full)
        .map((old) => `\`${old.path}\``)
        .join(", ")}.`,
  ];
  return `| \`${key}\` | ${field.shape.type} | ${fallback} | ${meaning.filter(Boolean).join(" ").replaceAll("|", "\\|")} |`;
}

function code(field: Field<unknown>, fallback: string | null): string {
  if (fallback === null) return "";
  return field.defaultText === undefined ? `\`${fallback}\`` : fallback;
}

function kindsText(kinds: readonly ApiKind[]): string {
  const others = apiKinds.filter((kind) => !kinds.includes(kind));
  return others.length === 1 ? `Not for a ${others[0]}.` : `Only for ${kinds.join(", ")}.`;
}
