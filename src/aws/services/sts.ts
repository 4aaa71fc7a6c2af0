import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { type Calls, read } from "../service.ts";

export const stsOperations = {
  getCallerIdentity: read(GetCallerIdentityCommand),
} as const;

export type Sts = Calls<typeof stsOperations>;
