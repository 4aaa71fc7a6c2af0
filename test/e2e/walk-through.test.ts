import { programUnderTest } from "./support/program.ts";
import { walkThrough } from "./walks/every-command.ts";

walkThrough(programUnderTest());
