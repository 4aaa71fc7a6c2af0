// Runs a script with the Node that comes with the project, after installing what is missing: `node with-node.mjs FILE ARGS`.
// Plain JavaScript for Node 20, since it runs before anything is installed.
import { runWithProjectNode } from "./toolchain.mjs";

const [script, ...rest] = process.argv.slice(2);
if (!script) throw new Error("usage: node scripts/with-node.mjs FILE [ARGUMENTS]");
process.exitCode = await runWithProjectNode(script, rest);
