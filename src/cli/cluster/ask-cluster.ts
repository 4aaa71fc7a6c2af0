import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CortexError } from "../../core/errors.ts";
import type { ParsedCluster } from "../../spec/parse-cluster.ts";
import type { App } from "../app.ts";
import { ask } from "../prompt.ts";
import { defaultClusterFile, readClusterFile } from "./cluster-file.ts";

interface Answers {
  readonly region: string;
  readonly instanceType: string;
  readonly min: string;
  readonly max: string;
}

/**
 * Asks a person for the little that a cluster cannot do without, and writes it to ./cluster.yaml.
 * @throws INPUT_NEEDED where nobody can be asked
 */
export async function askForCluster(app: App): Promise<ParsedCluster> {
  if (!app.terminal.canAsk) {
    throw new CortexError("INPUT_NEEDED", `there is no ./${defaultClusterFile}, and nobody can be asked here`, {
      hint: "name a file: cortex cluster up FILE",
    });
  }
  const answers = await askAll(app);
  await writeFile(join(app.workingFolder, defaultClusterFile), clusterYaml(answers), { flag: "wx" });
  await app.terminal.stderr.write(
    `wrote ./${defaultClusterFile}; \`cortex explain\` and its schema know what else it may say\n`,
  );
  return readClusterFile(app);
}

async function askAll(app: App): Promise<Answers> {
  const { AWS_REGION, AWS_DEFAULT_REGION } = app.variables;
  let answers: Answers = {
    region: AWS_REGION || AWS_DEFAULT_REGION || "us-east-1",
    instanceType: "m5.large",
    min: "1",
    max: "5",
  };
  const questions: readonly (readonly [keyof Answers, string])[] = [
    ["region", "AWS region"],
    ["instanceType", "instance type"],
    ["min", "fewest instances"],
    ["max", "most instances"],
  ];
  for (const [key, question] of questions) {
    // With as many as are asked for at least, the most that stands there by default would be refused beside it.
    if (key === "max" && Number(answers.min) > Number(answers.max)) answers = { ...answers, max: answers.min };
    const answer = await ask(app, question, answers[key], (text) => problemOf(key, { ...answers, [key]: text }));
    answers = { ...answers, [key]: answer };
  }
  return answers;
}

/** @returns what the file would be refused for */
async function problemOf(key: keyof Answers, answers: Answers): Promise<string | undefined> {
  const { parseCluster } = await import("../../spec/parse-cluster.ts");
  const checked = key === "min" ? { ...answers, max: "1000" } : answers;
  try {
    await parseCluster({ file: defaultClusterFile, text: clusterYaml(checked), variables: {} });
    return undefined;
  } catch (error) {
    if (!(error instanceof CortexError)) throw error;
    const [problem = error] = error.problems;
    return [problem.message, problem.hint].filter(Boolean).join("; ");
  }
}

function clusterYaml({ region, instanceType, min, max }: Answers): string {
  return `cluster_name: cortex
region: ${region}
node_groups:
  - name: default
    instance_type: ${instanceType}
    min_instances: ${min}
    max_instances: ${max}
`;
}
