import { describe, test } from "vitest";
import type { CortexError } from "../../../src/core/errors.ts";
import type { Cluster } from "../../../src/spec/parse-cluster.ts";
import { lifecyclePlace, never, type Operator, smallCluster } from "../support/lifecycle.ts";

const minutes = 60_000;

describe.concurrent("a cluster that runs", { timeout: 5 * minutes }, () => {
  test("is not begun to be changed where something of it stays as it is", async ({ expect }) => {
    await using place = await lifecyclePlace();
    const { me } = place;
    const cluster = await smallCluster();
    expect((await me.up(cluster)).outcome.failures).toEqual([]);
    const [cpu] = cluster.node_groups;
    if (!cpu) throw new Error("there is no group");
    const refused = await refusal(me, {
      ...cluster,
      kubernetes_version: "1.33",
      subnet_visibility: "private",
      vpc_cidr: "10.1.0.0/30",
      availability_zones: ["us-east-1a", "us-east-1f"],
      node_groups: [{ ...cpu, instance_type: "m5.xlarge", spot: true }],
    });
    expect(refused.toSorted()).toEqual([
      expect.stringMatching(/^availability_zones is us-east-1a, .* and cannot become us-east-1a, us-east-1f$/),
      "kubernetes_version is 1.35 and cannot become 1.33",
      "node_groups.cpu.instance_type is m5.large and cannot become m5.xlarge",
      "node_groups.cpu.spot is false and cannot become true",
      "subnet_visibility is public and cannot become private",
      "vpc_cidr is 192.168.0.0/16 and cannot become 10.1.0.0/30",
    ]);
    const hidden = { ...cluster, subnet_visibility: "private" } as const;
    expect(await refusal(me, hidden)).toEqual(["subnet_visibility is public and cannot become private"]);
    const nowhere = await me.clouds
      .planConfigure({ ...hidden, node_groups: [{ ...cpu, instance_type: "m5.none" }] }, never)
      .catch((error: unknown) => error);
    expect(nowhere).toMatchObject({
      problems: [
        { message: "subnet_visibility is public and cannot become private" },
        { message: expect.stringContaining("m5.none") },
      ],
    });
    // What the cluster itself has against it, also where AWS has nothing to do.
    const stays = "api_load_balancer_type is nlb and cannot become elb";
    const view = async () => ({ changes: [], warnings: [], problems: [{ message: stays, hint: "write what it has" }] });
    Object.assign(me.inside, { view });
    expect(await refusal(me, { ...cluster, api_load_balancer_type: "elb" })).toEqual([stays]);
  });
});

/** @returns what is said against it, in order */
async function refusal(me: Operator, cluster: Cluster): Promise<readonly string[]> {
  const error = await me.clouds.planConfigure(cluster, never).then(
    () => undefined,
    (reason: CortexError) => reason,
  );
  if (error?.code !== "NOT_SUPPORTED") throw error ?? new Error("it was planned");
  return error.problems.length > 0 ? error.problems.map(({ message }) => message) : [error.message];
}
