import { GetProductsCommand } from "@aws-sdk/client-pricing";
import { type Calls, read } from "../service.ts";

export const pricingOperations = {
  getProducts: read(GetProductsCommand),
} as const;

export type Pricing = Calls<typeof pricingOperations>;
