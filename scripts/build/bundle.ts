import { basename } from "node:path";
import { type BuildOptions, build, type Metafile, transform } from "esbuild";
import project from "../../package.json" with { type: "json" };
import { commonJsPackages } from "./commonjs-packages.ts";
import { sdkSchemas } from "./sdk-schemas.ts";

/** A file of the built program; the loader (loader.cjs) runs it. */
export interface Chunk {
  readonly name: string;
  readonly code: string;
}

/** Stands in the code for the build's id until that is known, since it is a hash over the code. */
export const buildIdPlaceholder = "<the id of this build>";

/**
 * Bundles the program below `entry`: one chunk `entry.js`, and one for everything that enters by `import()`.
 * Names stay as they are written, so that a stack trace can be read; the code caches make up for the size.
 */
export async function bundle(entry: string, version: string): Promise<Chunk[]> {
  const { outputFiles } = await build({ ...bundleOptions(entry, version), write: false });
  return Promise.all(outputFiles.map(async ({ path, text }) => toScript(basename(path), text)));
}

/** @returns the files that something of is in the bundle, relative to the working folder, sorted */
export async function bundledFiles(entry: string, version: string): Promise<string[]> {
  const inputs = Object.values((await chunkGraph(entry, version)).outputs).flatMap((output) =>
    Object.entries(output.inputs),
  );
  const used = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path);
  return [...new Set(used)].sort();
}

/** @returns which files each chunk is made of, and which chunks it loads at once */
export async function chunkGraph(entry: string, version: string): Promise<Metafile> {
  return (await build({ ...bundleOptions(entry, version), write: false, metafile: true })).metafile;
}

function bundleOptions(entry: string, version: string) {
  return {
    entryPoints: { entry },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node26",
    // The ES module of a package can be shaken, its CommonJS twin cannot.
    mainFields: ["module", "main"],
    outdir: "chunks",
    chunkNames: "[name]-[hash]",
    charset: "ascii",
    legalComments: "none",
    plugins: [commonJsPackages, sdkSchemas],
    define: {
      __CORTEX_VERSION__: JSON.stringify(version),
      __CORTEX_REPOSITORY__: JSON.stringify(project.repository),
      __CORTEX_BUILD__: JSON.stringify(buildIdPlaceholder),
    },
    logLevel: "warning",
  } satisfies BuildOptions;
}

/** An ES module as a function that the loader calls. Top-level `await` cannot be said that way, and fails the build. */
async function toScript(name: string, text: string): Promise<Chunk> {
  const { code } = await transform(text, {
    format: "cjs",
    platform: "node",
    target: "node26",
    minifySyntax: true,
    minifyWhitespace: true,
    charset: "ascii",
    legalComments: "none",
    supported: { "dynamic-import": false },
    define: {
      "import.meta.url": "__url",
      "import.meta.dirname": "__dirname",
      "import.meta.filename": "__filename",
      "import.meta.main": String(name === "entry.js"),
    },
    sourcefile: name,
    logLevel: "warning",
  });
  // esbuild copies all properties of a builtin that is imported as a whole, and so loads those that load more.
  const lean = code.replace(/__toESM\(require\("(node:[^"]+)"\)(?:, ?1)?\)/g, 'require.namespace("$1")');
  return { name, code: `(function(exports,require,module,__url,__dirname,__filename){${lean.trim()}\n})` };
}
