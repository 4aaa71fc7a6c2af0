import { GetProductsCommand } from "@aws-sdk/client-pricing";
import { type Calls, read } from "../service.ts";

export { PricingClient as Client } from "@aws-sdk/client-pricing";

export const pricingOperations = {
  getProducts: read(GetProductsCommand),
} as const;

export type Pricing = Calls<typeof pricingOperations>;
