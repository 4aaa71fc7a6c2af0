import { createBench } from "../support/cortex.ts";
import { describeSplitters } from "./splitter-suite.ts";
import { describeConformance } from "./suite.ts";

describeConformance("this machine", () => createBench());
describeSplitters("this machine", () => createBench());
