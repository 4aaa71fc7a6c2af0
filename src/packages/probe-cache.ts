import { readFile } from "node:fs/promises";
import { writeAtomically } from "../platform/files.ts";
import type { Python } from "./find-python.ts";

/** What interpreters said of themselves, by a fingerprint of each. */
export interface ProbeCache {
  get(fingerprint: string): Python | undefined;
  set(fingerprint: string, python: Python): void;
  /** Writes what is new; a cache that cannot be written is no failure. */
  save(): Promise<void>;
}

/** Of this shape; another one in the file is another version's and is not read. */
const format = 1;
const mostEntries = 50;

export async function openProbeCache(file: string): Promise<ProbeCache> {
  const entries = await readEntries(file);
  let isChanged = false;
  return {
    get: (fingerprint) => entries.get(fingerprint),
    set(fingerprint, python) {
      entries.set(fingerprint, python);
      isChanged = true;
    },
    async save() {
      if (!isChanged) return;
      const kept = [...entries].slice(-mostEntries);
      await writeAtomically(file, JSON.stringify({ format, entries: kept })).catch(() => {});
    },
  };
}

async function readEntries(file: string): Promise<Map<string, Python>> {
  try {
    const content = JSON.parse(await readFile(file, "utf8")) as { format: number; entries: [string, Python][] };
    return content.format === format ? new Map(content.entries) : new Map();
  } catch {
    return new Map();
  }
}
