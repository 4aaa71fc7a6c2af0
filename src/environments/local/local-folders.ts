import { join } from "node:path";

/** Where the local environment of `home` keeps its things. */
export function localFolders(home: string) {
  const root = join(home, "local");
  return {
    root,
    apis: join(root, "apis"),
    logs: join(root, "logs"),
    replicas: join(root, "replicas"),
    lock: join(root, "agent.lock"),
    agentLog: join(root, "agent.log"),
    port: join(root, "port"),
    projectCache: join(root, "project-hashes.json"),
  } as const;
}
