import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { type Calls, read } from "../service.ts";

export { STSClient as Client } from "@aws-sdk/client-sts";

export const stsOperations = {
  getCallerIdentity: read(GetCallerIdentityCommand),
} as const;

export type Sts = Calls<typeof stsOperations>;
