import { createBench } from "../support/cortex.ts";
import { describeConformance } from "./suite.ts";

describeConformance("this machine", () => createBench());
