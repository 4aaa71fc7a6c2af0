import { list, object } from "../shape/collections.ts";
import { optional, required } from "../shape/field.ts";
import { integer, text } from "../shape/values.ts";

const model = object(
  {
    name: required(text({ type: "name", limits: "letters, digits, - and _", pattern: /^[-_A-Za-z0-9]+$/ }), {
      description: "What the code calls this model.",
      example: "text-generator",
    }),
    path: required(text(), {
      description: "Folder of the exported model, or of its versions.",
      example: "s3://my-bucket/text-generator/",
    }),
    signature_key: optional(text(), { description: "Signature to use, where the model has several (TensorFlow)." }),
  },
  "model",
);

/** Where models come from; exactly one of `path`, `paths` and `dir`. */
export const models = object({
  path: optional(text(), { description: "Folder of one exported model.", example: "s3://my-bucket/model/" }),
  paths: optional(list(model, { min: 1 }), { description: "Several exported models, each with a name." }),
  dir: optional(text(), { description: "Folder that holds a folder per model.", example: "s3://my-bucket/models/" }),
  signature_key: optional(text(), { description: "Signature to use, where a model has several (TensorFlow)." }),
  cache_size: optional(integer({ min: 1 }), {
    description: "Models kept in memory at a time. Needs `disk_cache_size`, and `paths` or `dir`.",
    defaultText: "all of them",
  }),
  disk_cache_size: optional(integer({ min: 1 }), {
    description: "Models kept on disk at a time, at least `cache_size`.",
    defaultText: "all of them",
  }),
});
