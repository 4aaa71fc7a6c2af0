import { expect, test } from "vitest";
import { unsupportedFeatures } from "../../src/spec/unsupported.ts";
import { container, parseOne, realtime } from "./support/parse.ts";

const messages = async (text: string): Promise<readonly string[]> =>
  unsupportedFeatures(await parseOne(text)).map(({ message }) => message);

const splitter = "- {name: a, kind: TrafficSplitter, apis: [{name: b, weight: 100}]}";

test.each([realtime(), container(), splitter])("can be deployed: %s", async (text) => {
  expect(await messages(text)).toEqual([]);
});

test.each([
  ["- {name: a, kind: AsyncAPI, handler: {path: h.py}}", "kind: AsyncAPI is not supported yet"],
  ["- {name: a, kind: BatchAPI, handler: {path: h.py}}", "kind: BatchAPI is not supported yet"],
  ["- {name: a, kind: TaskAPI, handler: {path: h.py}}", "kind: TaskAPI is not supported yet"],
  ["- {name: a, handler: {path: h.py, type: onnx, models: {path: m}}}", "handler.type: onnx is not supported"],
  [
    "- {name: a, handler: {path: h.py, multi_model_reloading: {dir: m}}}",
    "handler.multi_model_reloading is not supported yet",
  ],
  ["- {name: a, handler: {path: h.py, protobuf_path: a.proto}}", "handler.protobuf_path: gRPC is not supported yet"],
])("%s cannot be deployed yet", async (text, message) => {
  expect(await messages(text)).toEqual([message]);
});

test("all that is not supported is named, each with what to do", async () => {
  const api = await parseOne("- {name: a, kind: AsyncAPI, handler: {path: h.py, type: tensorflow, models: {path: m}}}");
  const features = unsupportedFeatures(api);
  expect(features.map(({ message }) => message)).toEqual([
    "kind: AsyncAPI is not supported yet",
    "handler.type: tensorflow is not supported",
  ]);
  expect(features.every(({ hint }) => hint !== "")).toBe(true);
  // `type: python` would only be warned of in turn.
  expect(features[1]?.hint).toContain("leave type out");
});
