import { mkdtemp, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Revision } from "../../../../src/core/environment.ts";
import { createApiStore, hasStoredApis, keepRevisions } from "../../../../src/environments/local/agent/api-store.ts";
import type { Api } from "../../../../src/spec/api.ts";

function revision(number: number): Revision {
  const spec = { name: "iris", kind: "RealtimeAPI" } as unknown as Api;
  return { number, id: `id-${number}`, project: `project-${number}`, spec, createdAt: number, createdBy: "me@here" };
}

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "cortex-store-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

test("what was saved is loaded by the next agent", async () => {
  await using folder = await temporaryFolder();
  const record = { name: "iris", revisions: [revision(1), revision(2)], wanted: 2, live: 1, requested: 3 };
  await createApiStore(folder.path).save(record);
  expect(await createApiStore(folder.path).load()).toEqual([record]);
  expect(await hasStoredApis(folder.path)).toBe(true);
});

test("a state that is cut short is made up for by the newest revision, a revision that is damaged is left out", async () => {
  await using folder = await temporaryFolder();
  const record = { name: "iris", revisions: [1, 2, 3].map(revision), wanted: 2, live: 2, requested: 3 };
  await createApiStore(folder.path).save(record);
  await truncate(join(folder.path, "iris/state.json"), 5);
  await writeFile(join(folder.path, "iris/revision-3.json"), '{"number": 3');
  expect(await createApiStore(folder.path).load()).toEqual([
    { name: "iris", revisions: [revision(1), revision(2)], wanted: 2, live: 2, requested: 1 },
  ]);
});

test("revisions that are no longer kept leave the disk", async () => {
  await using folder = await temporaryFolder();
  const store = createApiStore(folder.path);
  const pointers = { name: "iris", wanted: 2, live: 2, requested: 1 };
  await store.save({ ...pointers, revisions: [revision(1), revision(2)] });
  await store.save({ ...pointers, revisions: [revision(2)] });
  expect((await readdir(join(folder.path, "iris"))).toSorted()).toEqual(["revision-2.json", "state.json"]);
});

test("an API that is removed is gone, and nothing stored means no APIs", async () => {
  await using folder = await temporaryFolder();
  const store = createApiStore(folder.path);
  await store.save({ name: "iris", revisions: [revision(1)], wanted: 1, requested: 1 });
  await store.remove("iris");
  expect(await store.load()).toEqual([]);
  expect(await hasStoredApis(folder.path)).toBe(false);
  expect(await createApiStore(join(folder.path, "nowhere")).load()).toEqual([]);
});

test("ten revisions are kept, and the live one however old it is", () => {
  const revisions = Array.from({ length: 14 }, (_, index) => revision(index + 1));
  expect(keepRevisions(revisions, 14).map((one) => one.number)).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
  expect(keepRevisions(revisions, 2).map((one) => one.number)).toEqual([2, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
});
