import { DescribeCertificateCommand } from "@aws-sdk/client-acm";
import { type Calls, read } from "../service.ts";

export { ACMClient as Client } from "@aws-sdk/client-acm";

export const certificateOperations = {
  describeCertificate: read(DescribeCertificateCommand),
} as const;

export type Certificates = Calls<typeof certificateOperations>;
