import { duration } from "../shape/amounts.ts";
import { freeMap, object } from "../shape/collections.ts";
import { defaulted, optional, required, section } from "../shape/field.ts";
import { choice, integer } from "../shape/values.ts";
import { image, projectPath, realtime, variablesMap } from "./common.ts";
import { models } from "./models.ts";

const serverSideBatching = object({
  max_batch_size: required(integer({ min: 2, max: 1024 }), {
    description:
      "Most requests that are handed to the class at once. With a Python handler it equals `threads_per_process`.",
    example: "max_batch_size: 16",
  }),
  batch_interval: required(duration({ above: 0, max: 3_600_000 }), {
    description: "How long to wait for a batch to fill up.",
    example: "batch_interval: 20ms",
  }),
});

const fileOf = (what: string, written: string) =>
  defaulted(projectPath(), { description: what, fallback: written, written });

const dependencies = object({
  pip: fileOf("Python packages to install.", "requirements.txt"),
  conda: fileOf("Conda packages. They are not installed: list what you need for pip.", "conda-packages.txt"),
  shell: fileOf("Script that installs system packages, run before pip.", "dependencies.sh"),
});

export const handler = object({
  type: optional(choice("python", "tensorflow", "onnx"), {
    description:
      "Which of the older kinds of class the file holds. Written in files for Cortex 0.14 to 0.35 only; leave it out.",
    defaultText: "python",
  }),
  path: required(projectPath(), {
    description: "Python file with the class that answers requests, ending in .py (or .pickle).",
    example: "path: handler.py",
  }),
  config: defaulted(freeMap(), {
    description: "Any values; the class gets them as `config` when it is made.",
    example: "config: {threshold: 0.7}",
    fallback: {},
    written: {},
  }),
  env: defaulted(variablesMap(["CORTEX_"]), {
    description: "Environment variables. Names that begin with CORTEX_ are reserved.",
    example: "env: {LOG_FORMAT: plain}",
    fallback: {},
    written: {},
  }),
  python_path: optional(projectPath("folder"), {
    description: "Folder to add to PYTHONPATH.",
    defaultText: "the folder of the configuration file",
    example: "python_path: src",
  }),
  image: optional(image(), { description: "Container image to build upon; only clusters use it." }),
  tensorflow_serving_image: optional(image(), {
    description: "Container image that serves TensorFlow models; only with `type: tensorflow`.",
  }),
  processes_per_replica: defaulted(integer({ min: 1, max: 100 }), {
    description: "Python processes in each replica, each with its own copy of the class.",
    fallback: 1,
    written: 1,
  }),
  threads_per_process: optional(integer({ min: 1, max: 30_000 }), {
    description: "Threads per process: how many requests one process works on at a time.",
    defaultText: "1, or max_batch_size with server_side_batching",
  }),
  server_side_batching: optional(serverSideBatching, {
    description: "Hands several requests to the class at once: its arguments become lists.",
    kinds: realtime,
  }),
  log_level: defaulted(choice("debug", "info", "warning", "error"), {
    description: "Lowest level of log lines to keep.",
    fallback: "info",
    written: "info",
  }),
  dependencies: section(dependencies, { description: "Files that say what to install before the class is loaded." }),
  models: optional(models, { description: "Models to serve; needed by and only for `type: tensorflow` and `onnx`." }),
  multi_model_reloading: optional(models, {
    description: "Models to load, and to load again when they change, in a Python class.",
    kinds: realtime,
  }),
  protobuf_path: optional(projectPath(), {
    description: "Protobuf file of a gRPC API.",
    example: "protobuf_path: handler.proto",
    kinds: realtime,
  }),
});
