import { expect, test } from "vitest";
import type { Project } from "../../src/core/environment.ts";
import { projectNotices, projectQuestions } from "../../src/project/project-questions.ts";

const project = (...files: (readonly [path: string, bytes: number])[]): Project => ({
  root: "/p",
  digest: "0".repeat(64),
  files: files.map(([path, bytes]) => ({ path, bytes, executable: false, sha256: "0".repeat(64) })),
  totalBytes: files.reduce((sum, [, bytes]) => sum + bytes, 0),
});

test("an ordinary project is not asked about", () => {
  expect(projectQuestions(project(["a.py", 100], ["model.bin", 31 * 2 ** 20]))).toEqual([]);
});

test("from 32 MiB the question names the largest files", () => {
  const large = project(["a.py", 100], ["model.bin", 31 * 2 ** 20], ["data.csv", 1.5 * 2 ** 20]);
  expect(projectQuestions(large)).toEqual([
    "the project has 3 files, 33 MiB in all (largest: model.bin 31 MiB, data.csv 1.5 MiB, a.py 0.1 KiB); deploy all of it?",
  ]);
});

test("from a thousand files there is one question too, however small they are", () => {
  const many = project(...Array.from({ length: 1_000 }, (_, index) => [`${index}.txt`, 1] as const));
  expect(projectQuestions(many)).toEqual([expect.stringContaining("1,000 files")]);
});

test("names that differ only in case are remarked upon", () => {
  expect(projectNotices(project(["Model.bin", 1], ["model.bin", 1], ["a.py", 1]))).toEqual([
    "Model.bin and model.bin differ only in case: macOS and Windows take them for one file",
  ]);
});
