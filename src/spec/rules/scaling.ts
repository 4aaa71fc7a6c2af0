import { decideConcurrency, decideThreads } from "../concurrency.ts";
import { exceeds, type RuleContext } from "./context.ts";

/** How many replicas, how many requests in each, and how they are replaced. */
export function checkScaling(context: RuleContext): void {
  checkReplicas(context);
  checkConcurrency(context);
  checkUpdateStrategy(context);
}

function checkReplicas({ values, report, at }: RuleContext): void {
  const { min_replicas: min, max_replicas: max, init_replicas: init } = values.autoscaling ?? {};
  if (exceeds(min, max)) {
    report.problem(
      at("autoscaling.min_replicas"),
      `${min} is above max_replicas (${max})`,
      `raise max_replicas to ${min} or more`,
    );
  } else if (exceeds(init, max)) {
    report.problem(
      at("autoscaling.init_replicas"),
      `${init} is above max_replicas (${max})`,
      `lower it to ${max} or less`,
    );
  } else if (exceeds(min, init)) {
    report.problem(
      at("autoscaling.init_replicas"),
      `${init} is below min_replicas (${min})`,
      `raise it to ${min} or more`,
    );
  }
}

function checkConcurrency({ values, legacy, report, at }: RuleContext): void {
  const { handler, pod, kind, autoscaling } = values;
  if (handler === undefined || !pod || kind === "TrafficSplitter") return;
  const { max_concurrency = null, max_queue_length = null } = pod;
  const processes = handler?.processes_per_replica ?? 1;
  const threads = decideThreads(
    handler?.threads_per_process ?? null,
    handler?.server_side_batching?.max_batch_size,
    handler?.type ?? "python",
  );
  if (handler && processes * threads > 30_000) {
    report.problem(
      at("handler.threads_per_process"),
      `processes_per_replica x threads_per_process is ${processes * threads}`,
      "30000 at most",
    );
    return;
  }
  const decided = decideConcurrency({
    handler: handler ? { processes, threads } : undefined,
    max_concurrency,
    max_queue_length,
    ...legacy,
  });
  const sum = decided.max_concurrency + decided.max_queue_length;
  const target = autoscaling?.target_in_flight;
  if (kind === "RealtimeAPI" && exceeds(target, sum)) {
    report.problem(
      at("autoscaling.target_in_flight"),
      `${target} is above what fits into a replica (max_concurrency ${decided.max_concurrency} + max_queue_length ${decided.max_queue_length})`,
      `lower it to ${sum} or less, or raise pod.max_queue_length`,
    );
  }
}

function checkUpdateStrategy({ values, report, at }: RuleContext): void {
  const { max_surge, max_unavailable } = values.update_strategy ?? {};
  const isZero = (value: number | string | undefined) => value === 0 || value === "0%";
  if (isZero(max_surge) && isZero(max_unavailable)) {
    report.problem(
      at("update_strategy.max_unavailable"),
      "cannot be 0 together with max_surge: nothing could be replaced",
      "raise one of the two",
    );
  }
}
