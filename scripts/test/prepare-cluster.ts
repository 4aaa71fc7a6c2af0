// Brings what the tests of the Kubernetes environment need into the cluster of CORTEX_TEST_KUBECONFIG: the built program's own
// `cluster install`, from the manifests in CORTEX_TEST_ADDONS_DIR where that is set.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { projectRoot, run } from "../toolchain.mjs";

const { CORTEX_TEST_KUBECONFIG: kubeconfig, CORTEX_TEST_ADDONS_DIR: addons } = process.env;

if (!kubeconfig) {
  console.log("skipped: CORTEX_TEST_KUBECONFIG names no disposable cluster, so nothing is tested in one");
} else {
  const home = await mkdtemp(join(tmpdir(), "cortex-setup-"));
  const env = { ...process.env, CORTEX_HOME: home, CORTEX_ENV: "" };
  const cortex = (...args: readonly string[]) => run(join(projectRoot, "dist/cortex"), args, { env });
  try {
    const source = addons ? ["--addons-dir", addons] : [];
    process.exitCode =
      (await cortex("env", "configure", "test", "--kubeconfig", kubeconfig)) ||
      (await cortex("cluster", "install", "-e", "test", "-y", ...source));
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
