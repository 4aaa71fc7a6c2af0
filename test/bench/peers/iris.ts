import { execFile } from "node:child_process";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Bench } from "../../support/cortex.ts";
import { mustRun } from "../harness/cortex-home.ts";
import { peersFolder } from "./catalogue.ts";

/** One flower, as every server is asked for it. */
export const flower = JSON.stringify({ sepal_length: 5.1, sepal_width: 3.5, petal_length: 1.4, petal_width: 0.2 });

/** Trains the model that all serve. @param python an interpreter with scikit-learn */
export async function trainModel(python: string, file: string, signal: AbortSignal): Promise<void> {
  await promisify(execFile)(python, [join(peersFolder, "iris_model.py"), file], { signal });
}

/** Deploys the same model twice to a home of its own: as `/iris`, and with batching as `/iris-batching`. */
export async function deployIris(bench: Bench, modelFile: string): Promise<void> {
  const project = await bench.project({ "cortex.yaml": configuration(modelFile) }, "iris");
  for (const file of ["handler.py", "iris_model.py"]) await copyFile(join(peersFolder, file), join(project, file));
  await copyFile(join(peersFolder, "requirements-cortex.txt"), join(project, "requirements.txt"));
  await mustRun(bench, ["deploy", project]);
}

/** One replica of each; the batch is as large as the number of connections that ask at once. */
function configuration(modelFile: string): string {
  const api = (name: string, batches: boolean) => `- name: ${name}
  kind: RealtimeAPI
  handler:
    type: python
    path: handler.py
    config: {batches: ${batches}}
    env: {IRIS_MODEL: ${JSON.stringify(modelFile)}}
${batches ? "    server_side_batching: {max_batch_size: 32, batch_interval: 2ms}\n" : ""}\
  autoscaling: {max_replicas: 1}
`;
  return `${api("iris", false)}\n${api("iris-batching", true)}`;
}
