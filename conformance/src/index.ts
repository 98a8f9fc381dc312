/** The conformance harness: the corpus against any implementation. It imports no protocol package. */

export { exportCases, loadCorpus } from "./corpus/index.ts";
export type { Case, Corpus, Mark } from "./corpus/types.ts";
export type { InProcessIut } from "./link/in-process.ts";
export { LineError, LineReader } from "./link/line-reader.ts";
export type { Way } from "./link/ways.ts";
export { type ConformanceOptions, DEFAULT_CORPUS, UsageError } from "./options.ts";
export type * from "./protocol.ts";
export { EVENT_CLASSES, HEX_LIMIT, LINE_LIMIT } from "./protocol.ts";
export type { Report } from "./report/report.ts";
export { type ConformanceResult, runConformance, runInProcess } from "./run.ts";
export { EXIT, type ExitCode, type Outcome, type Verdict } from "./verdict.ts";
