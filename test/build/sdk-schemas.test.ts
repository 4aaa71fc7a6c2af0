import { resolve } from "node:path";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { sdkSchemas } from "../../scripts/build/sdk-schemas.ts";

test("of a service of AWS only what is called gets into the program", async () => {
  const { outputFiles } = await build({
    stdin: {
      contents: `import { CreateVpcCommand } from "@aws-sdk/client-ec2"; console.log(new CreateVpcCommand({}).schema);`,
      resolveDir: resolve(import.meta.dirname, "../.."),
    },
    bundle: true,
    platform: "node",
    format: "esm",
    mainFields: ["module", "main"],
    plugins: [sdkSchemas],
    write: false,
    logLevel: "silent",
  });
  const { text } = outputFiles[0]!;
  expect(text).toContain('"CreateVpcRequest"');
  expect(text).toContain("Ipv4IpamPoolId");
  expect(text).not.toMatch(/^var DescribeReservedInstances/m);
  expect(text.length).toBeLessThan(1_000_000);
});
