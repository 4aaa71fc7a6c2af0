import type { ApiKind } from "../api.ts";
import { decideThreads } from "../concurrency.ts";
import { withArticle } from "../shape/shape.ts";
import { exceeds, type RuleContext } from "./context.ts";

/** A handler's fields among each other. */
export function checkHandler(context: RuleContext): void {
  const { handler, kind, compute } = context.values;
  if (!handler) return;
  const { at, report } = context;
  if (handler.path !== undefined && !/\.(?:py|pickle)$/.test(handler.path)) {
    report.problem(at("handler.path"), "is not a Python file", "name a file that ends in .py");
  }
  if (handler.type !== "tensorflow" && handler.tensorflow_serving_image) {
    report.problem(at("handler.tensorflow_serving_image"), "goes with type: tensorflow only", "remove it");
  }
  if (kind === "BatchAPI" || kind === "TaskAPI") checkJobHandler(context, kind);
  if (exceeds(compute?.inf, 1)) report.problem(at("compute.inf"), "a handler can use one chip at most", "write inf: 1");
  checkBatching(context);
  checkModels(context);
}

function checkJobHandler({ values, report, at }: RuleContext, kind: ApiKind): void {
  for (const key of ["processes_per_replica", "threads_per_process"] as const) {
    if (exceeds(values.handler?.[key], 1)) {
      report.problem(
        at(`handler.${key}`),
        `${withArticle(kind)} works on one thing at a time`,
        "remove it; ask for more workers instead",
      );
    }
  }
}

function checkBatching({ values, report, at }: RuleContext): void {
  const { handler, compute } = values;
  const size = handler?.server_side_batching?.max_batch_size;
  if (!handler || size === undefined) return;
  const type = handler.type ?? "python";
  const threads = handler.threads_per_process;
  if (threads === undefined) return;
  const place = at("handler.server_side_batching.max_batch_size");
  if (type === "onnx") {
    report.problem(at("handler.server_side_batching"), "is not a field of type: onnx", "remove it");
  } else if (type === "python" && threads !== null && threads !== size) {
    report.problem(
      place,
      `${size} is not threads_per_process (${threads})`,
      `set both to the same number, or remove threads_per_process to get ${size}`,
    );
  } else if (type === "tensorflow") {
    const perProcess = decideThreads(threads, undefined, type);
    const most = exceeds(compute?.inf, 0) ? perProcess : perProcess * (handler.processes_per_replica ?? 1);
    if (size > most) {
      report.problem(
        place,
        `${size} requests never come together: a replica takes ${most}`,
        "raise threads_per_process",
      );
    }
  }
}

function checkModels(context: RuleContext): void {
  const { values, report, at } = context;
  const { handler } = values;
  if (!handler) return;
  const isPython = (handler.type ?? "python") === "python";
  const [right, wrong] = isPython
    ? (["multi_model_reloading", "models"] as const)
    : (["models", "multi_model_reloading"] as const);
  if (handler[wrong]) {
    report.problem(at(`handler.${wrong}`), `is not for type: ${handler.type ?? "python"}`, `write ${right} instead`);
  }
  if (!isPython && handler.models === null) {
    const hint = "for example models: {path: s3://bucket/model/}";
    report.problem(at("handler.models"), `is missing: type: ${handler.type} needs it`, hint);
  }
  checkModelSource(right, context);
}

function checkModelSource(
  key: "models" | "multi_model_reloading",
  context: Pick<RuleContext, "values" | "report" | "at">,
): void {
  const { values, report, at } = context;
  const source = values.handler?.[key];
  if (!source) return;
  const path = `handler.${key}`;
  const given = (["path", "paths", "dir"] as const).filter((one) => source[one] !== null);
  if (given.length !== 1) {
    const cause =
      given.length === 0 ? "needs one of path, paths and dir" : `has ${given.join(" and ")}; one of them is allowed`;
    report.problem(at(path), cause, "keep exactly one");
  }
  checkCache(path, source, context);
  checkSignatures(path, source, context);
  const seen = new Set<string>();
  source.paths?.forEach(({ name }, index) => {
    if (name === "_cortex_default")
      report.problem(at(`${path}.paths[${index}].name`), "this name is taken", "choose another");
    if (name !== undefined && seen.has(name)) {
      report.problem(at(`${path}.paths[${index}].name`), `${name} is the name of two models`, "give each its own");
    }
    seen.add(name ?? "");
  });
}

type Source = NonNullable<NonNullable<RuleContext["values"]["handler"]>["models"]>;
type Context = Pick<RuleContext, "values" | "report" | "at">;

function checkCache(path: string, source: Source, { values, report, at }: Context): void {
  const { cache_size, disk_cache_size } = source;
  if (cache_size === undefined || disk_cache_size === undefined) return;
  if (cache_size === null && disk_cache_size === null) return;
  if (cache_size === null || disk_cache_size === null) {
    const [there, missing] =
      cache_size === null ? ["disk_cache_size", "cache_size"] : ["cache_size", "disk_cache_size"];
    report.problem(at(`${path}.${there}`), `needs ${missing} as well`, `set both, or none`);
  } else if (cache_size > disk_cache_size) {
    report.problem(at(`${path}.cache_size`), `${cache_size} is above disk_cache_size (${disk_cache_size})`, "lower it");
  }
  if (source.path)
    report.problem(at(path), "a single model cannot be cached", "use paths or dir, or remove cache_size");
  if (exceeds(values.handler?.processes_per_replica, 1)) {
    report.problem(at(path), "models are cached in one process only", "set processes_per_replica: 1");
  }
  if (values.kind !== undefined && values.kind !== "RealtimeAPI") {
    report.problem(
      at(path),
      `${withArticle(values.kind)} cannot cache models`,
      "remove cache_size and disk_cache_size",
    );
  }
}

function checkSignatures(path: string, source: Source, { values, report, at }: Context): void {
  const type = values.handler?.type ?? "python";
  if (type === "tensorflow") return;
  const paths = [
    ...(source.signature_key ? [`${path}.signature_key`] : []),
    ...(source.paths ?? []).flatMap((one, index) =>
      one.signature_key ? [`${path}.paths[${index}].signature_key`] : [],
    ),
  ];
  for (const one of paths) report.problem(at(one), "goes with type: tensorflow only", "remove it");
}
