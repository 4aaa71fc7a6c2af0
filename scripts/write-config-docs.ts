import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { configurationReference } from "../src/spec/config-docs.ts";
import { apiSchema, clusterSchema } from "../src/spec/json-schema.ts";

/** Files under docs/ that are written from the definitions in src/spec, by their path there. */
export function configDocs(): ReadonlyMap<string, string> {
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  return new Map([
    ["configuration.md", configurationReference()],
    ["schemas/cortex.schema.json", json(apiSchema())],
    ["schemas/cluster.schema.json", json(clusterSchema())],
  ]);
}

if (import.meta.main) {
  const docs = join(import.meta.dirname, "..", "docs");
  await mkdir(join(docs, "schemas"), { recursive: true });
  for (const [path, text] of configDocs()) await writeFile(join(docs, path), text);
}
