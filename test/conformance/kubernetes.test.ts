import { describe, test } from "vitest";
import { testKubeconfig } from "../support/cluster.ts";
import { createClusterBench } from "../support/cluster-bench.ts";
import { describeSplitters } from "./splitter-suite.ts";
import { describeConformance } from "./suite.ts";

if (testKubeconfig === "") {
  describe("a cluster", () => {
    test.skip("is not there: CORTEX_TEST_KUBECONFIG names none");
  });
} else {
  describeConformance("a cluster", () => createClusterBench());
  describeSplitters("a cluster", () => createClusterBench());
}
