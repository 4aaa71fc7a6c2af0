import { readFile } from "node:fs/promises";
import type { Plugin } from "esbuild";

/**
 * Lets what no call uses of an AWS service be left out, which is most of it: a client describes every shape of its service in one
 * file, as arrays that esbuild dares not drop because keys in them are computed. Marked as free of effects, it does.
 */
export const sdkSchemas: Plugin = {
  name: "sdk-schemas",
  setup(build) {
    build.onLoad({ filter: /client-[\w-]+[\\/]dist-es[\\/]schemas[\\/]schemas_\d+\.js$/ }, async ({ path }) => ({
      contents: withoutEffects(await readFile(path, "utf8")),
      loader: "js",
    }));
    build.onLoad(
      { filter: /core[\\/]dist-es[\\/]submodules[\\/]checksum[\\/]crc32[\\/]Crc32Node\.js$/ },
      async ({ path }) => ({
        contents: withLateZlib(await readFile(path, "utf8")),
        loader: "js",
      }),
    );
  },
};

/** @returns `text` without the question whether Node has a checksum that it has, for which all of zlib would be loaded */
function withLateZlib(text: string): string {
  const asked = 'typeof zlib.crc32 === "function" ? zlib.crc32 : undefined';
  if (!text.includes(asked)) throw new Error("the SDK asks for zlib in another way");
  return text.replace(asked, "(...given) => zlib.crc32(...given)");
}

/** @returns `text` with each array at its top level made by a function that esbuild may leave out */
function withoutEffects(text: string): string {
  return text.replaceAll(
    /^((?:export )?var [\w$]+ = )(\[.*\]|\[[\s\S]*?^\]);$/gm,
    (_, begin: string, array: string) => `${begin}/* @__PURE__ */ (() => ${array})();`,
  );
}
