import { GetAWSDefaultServiceQuotaCommand, ListServiceQuotasCommand } from "@aws-sdk/client-service-quotas";
import { type Calls, read } from "../service.ts";

export { ServiceQuotasClient as Client } from "@aws-sdk/client-service-quotas";

export const quotaOperations = {
  listServiceQuotas: read(ListServiceQuotasCommand),
  getAWSDefaultServiceQuota: read(GetAWSDefaultServiceQuotaCommand),
} as const;

export type Quotas = Calls<typeof quotaOperations>;
