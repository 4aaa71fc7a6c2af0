import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

delete process.env.FORCE_COLOR;

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Tests start real processes, so that more workers than cores only makes each of them wait.
    maxWorkers: Math.max(1, availableParallelism()),
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Nothing in the developer's own settings may change what a test sees.
    env: { NO_COLOR: "1", CORTEX_ENV: "", CORTEX_LOCAL_PORT: "", CORTEX_CLI_CONFIG_DIR: "" },
  },
});
