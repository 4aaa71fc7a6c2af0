import { duration, share } from "../shape/amounts.ts";
import { object } from "../shape/collections.ts";
import { defaulted, optional } from "../shape/field.ts";
import { integer, number } from "../shape/values.ts";

const week = 7 * 24 * 3_600_000;
const replicas = (min: number) => integer({ min, max: 100_000 });

const factor = (description: string, shape: ReturnType<typeof number>, fallback: number) =>
  defaulted(shape, { description, fallback, written: fallback });

const period = (description: string, fallback: number, written: string) =>
  defaulted(duration({ min: 0, max: week }), { description, fallback, written });

export const autoscaling = object({
  min_replicas: defaulted(replicas(0), {
    description: "Fewest replicas. With 0, an API without traffic has none, and its next request waits for one.",
    fallback: 1,
    written: 1,
  }),
  max_replicas: defaulted(replicas(1), {
    description: "Most replicas, at least `min_replicas`.",
    example: "max_replicas: 10",
    fallback: 100,
    written: 100,
  }),
  init_replicas: optional(replicas(0), {
    description: "Replicas to begin with, from `min_replicas` to `max_replicas`.",
    defaultText: "min_replicas",
  }),
  target_in_flight: optional(number({ above: 0, max: 100_000 }), {
    description:
      "Requests in-flight per replica, waiting ones included, to aim for. At most `max_concurrency` + `max_queue_length`.",
    defaultText: "max_concurrency",
  }),
  window: defaulted(duration({ min: 10_000, max: week, multipleOf: 10_000 }), {
    description: "Time over which the requests in-flight are averaged.",
    fallback: 60_000,
    written: "60s",
  }),
  downscale_stabilization_period: period(
    "Never goes below the highest number that was wanted within this time.",
    300_000,
    "5m",
  ),
  upscale_stabilization_period: period(
    "Never goes above the lowest number that was wanted within this time.",
    60_000,
    "1m",
  ),
  max_downscale_factor: factor(
    "Share of the replicas that is kept at least in one step down.",
    number({ min: 0, below: 1 }),
    0.75,
  ),
  max_upscale_factor: factor("Times the replicas that are reached at most in one step up.", number({ above: 1 }), 1.5),
  downscale_tolerance: factor(
    "A wanted number this share below the current one changes nothing.",
    number({ min: 0, below: 1 }),
    0.05,
  ),
  upscale_tolerance: factor(
    "A wanted number this share above the current one changes nothing.",
    number({ min: 0 }),
    0.05,
  ),
});

export const updateStrategy = object({
  max_surge: defaulted(share(), {
    description: "Replicas above the wanted number during an update; 0 stops old ones before new ones start.",
    fallback: "25%",
    written: "25%",
  }),
  max_unavailable: defaulted(share(), {
    description: "Replicas that may be missing during an update. Not 0 together with `max_surge`.",
    fallback: "25%",
    written: "25%",
  }),
});
