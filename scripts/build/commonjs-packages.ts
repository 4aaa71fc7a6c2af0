import { createRequire } from "node:module";
import { dirname, join, relative, sep } from "node:path";
import { types } from "node:util";
import type { Plugin } from "esbuild";
import { projectRoot } from "../toolchain.mjs";

const namespace = "commonjs-package";

/**
 * Gives a CommonJS package that enters by `import()` the named exports that Node gives it; esbuild alone leaves only
 * `default` where the package becomes a chunk. The names are found by loading the package, as it is at build time.
 */
export const commonJsPackages: Plugin = {
  name: "commonjs-packages",
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, async ({ path, kind, importer, resolveDir, namespace: from }) => {
      if (kind !== "dynamic-import" || from === namespace || path.startsWith("node:")) return undefined;
      const { path: file } = await build.resolve(path, { kind: "import-statement", importer, resolveDir, namespace });
      if (file === "" || !isCommonJs(file)) return undefined;
      // Names of chunks come from paths: they must not tell in which folder the project lies.
      return { path: relative(projectRoot, file).split(sep).join("/"), namespace };
    });
    build.onLoad({ filter: /.*/, namespace }, ({ path: below }) => {
      const path = join(projectRoot, below);
      const names = Object.keys(load(path) as object).filter((name) => /^[A-Za-z_$][\w$]*$/.test(name));
      const named = names.filter((name) => name !== "default").map((name) => `export const ${name} = whole.${name};`);
      const contents = `const whole = require(${JSON.stringify(path)});\nexport default whole;\n${named.join("\n")}`;
      return { contents, resolveDir: dirname(path), loader: "js" };
    });
  },
};

function isCommonJs(file: string): boolean {
  try {
    return !types.isModuleNamespaceObject(load(file));
  } catch (error) {
    // A module made for bundlers alone: it names its own files without their extensions.
    if ((error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND") return false;
    throw error;
  }
}

function load(file: string): unknown {
  return createRequire(file)(file);
}
