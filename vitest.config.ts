import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

delete process.env.FORCE_COLOR;

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Starts nothing until a test asks for it.
    globalSetup: ["test/aws/shared-moto.ts"],
    // Tests start real processes, so that more workers than cores only makes each of them wait.
    maxWorkers: Math.max(1, availableParallelism()),
    // Limits of time only end what hangs: another program may have the machine for a while.
    testTimeout: 120_000,
    // Names that are made of cases tell them apart.
    taskTitleValueFormatTruncate: 400,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000 } },
    // Nothing in the developer's own settings may change what a test sees.
    env: {
      NO_COLOR: "1",
      CORTEX_ENV: "",
      CORTEX_LOCAL_PORT: "",
      CORTEX_CLI_CONFIG_DIR: "",
      // No test may ever reach AWS: one that names no endpoint of its own gets one where nothing listens, and nobody's credentials.
      AWS_ENDPOINT_URL: "http://127.0.0.1:1",
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_CONFIG_FILE: "/nonexistent",
      AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
      AWS_ACCESS_KEY_ID: "",
      AWS_SECRET_ACCESS_KEY: "",
      AWS_SESSION_TOKEN: "",
      AWS_PROFILE: "",
    },
  },
});
