import type { RuleContext } from "./context.ts";

/** Files and folders that an API names are in the project. Defaults may be absent. */
export function checkPaths({ values, report, at, exists }: RuleContext): void {
  const { handler } = values;
  if (!handler || !exists) return;
  const hint = "paths are relative to the folder of the configuration file";
  const check = (path: string, value: string | null | undefined, kind: "file" | "folder"): void => {
    if (!value) return;
    const found = exists(value);
    if (found === true || found === kind) return;
    const cause = found ? `${value} is a ${found}, not a ${kind}` : `there is no ${kind} ${value}`;
    report.problem(at(path), cause, hint);
  };
  check("handler.path", handler.path, "file");
  check("handler.python_path", handler.python_path, "folder");
  check("handler.protobuf_path", handler.protobuf_path, "file");
  for (const [key, usual] of Object.entries(usualDependencies)) {
    const value = handler.dependencies?.[key as keyof typeof usualDependencies];
    if (value !== usual) check(`handler.dependencies.${key}`, value, "file");
  }
}

const usualDependencies = { pip: "requirements.txt", conda: "conda-packages.txt", shell: "dependencies.sh" };
