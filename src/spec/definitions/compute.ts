import { cpu, memory } from "../shape/amounts.ts";
import { object } from "../shape/collections.ts";
import { defaulted, nullable, optional } from "../shape/field.ts";
import { integer } from "../shape/values.ts";

export const compute = object({
  cpu: nullable(cpu(20), {
    description: "Processor time to reserve, in cores or thousandths of one; null reserves none.",
    example: "cpu: 500m",
    fallback: 200,
    written: "200m",
  }),
  mem: optional(memory(20 * 2 ** 20), {
    description: "Memory to reserve, and the most that may be used.",
    example: "mem: 512Mi",
    defaultText: "no limit",
  }),
  gpu: defaulted(integer({ min: 0, max: 1000 }), {
    description: "GPUs. Not together with `inf`.",
    fallback: 0,
    written: 0,
  }),
  inf: defaulted(integer({ min: 0, max: 1000 }), {
    description: "AWS Inferentia chips; one at most for a handler. Not together with `gpu`.",
    fallback: 0,
    written: 0,
  }),
  shm: optional(memory(), {
    description: "Size of /dev/shm, which processes share; not above `mem`.",
    example: "shm: 64Mi",
  }),
});
