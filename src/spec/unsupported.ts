import type { Api } from "./api.ts";

/** Something that a file may say and no environment can do yet. */
export interface UnsupportedFeature {
  readonly message: string;
  readonly hint: string;
}

const kinds: Readonly<Record<string, string>> = {
  AsyncAPI: "a RealtimeAPI answers the same requests while the caller waits",
  BatchAPI: "a RealtimeAPI can be sent the items of a batch one by one",
  TaskAPI: "run the task as a script for now",
};

/** @returns what of `api` cannot be deployed anywhere yet; empty when all of it can */
export function unsupportedFeatures(api: Api): readonly UnsupportedFeature[] {
  const features: UnsupportedFeature[] = [];
  const add = (message: string, hint: string): void => void features.push({ message, hint });
  const kindHint = kinds[api.kind];
  if (kindHint !== undefined) add(`kind: ${api.kind} is not supported yet`, kindHint);
  const handler = "handler" in api ? api.handler : null;
  if (!handler) return features;
  if (handler.type !== "python") {
    add(
      `handler.type: ${handler.type} is not supported`,
      "write a Python class named Handler that loads the model in its __init__, and leave type out",
    );
  }
  if (handler.multi_model_reloading) {
    add(
      "handler.multi_model_reloading is not supported yet",
      "load the models in the class's __init__, and refresh the API for new ones",
    );
  }
  if (handler.protobuf_path !== null) {
    add("handler.protobuf_path: gRPC is not supported yet", "leave it out and answer over HTTP, with handle_post");
  }
  return features;
}
