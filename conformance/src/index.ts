/** The conformance harness: the corpus against any implementation. It imports no protocol package. */

export { CaptureFile } from "./capture/capture-file.ts";
export type { Conversation, End } from "./capture/conversation.ts";
export { describeStream, type ImportOptions, importCapture, streamsOf } from "./capture/import.ts";
export { CaptureError } from "./capture/read-file.ts";
export { type Refusals, refusalsOf } from "./capture/refusals.ts";
export { IMPORT_PROFILES } from "./capture/take-apart.ts";
export { loadCorpus } from "./corpus/index.ts";
export type { Case, Corpus, Mark } from "./corpus/types.ts";
export { type Explanation, explain, explainText, nearest } from "./explain/explain.ts";
export { type ExportedScenario, exportCases } from "./explain/export.ts";
export { type Listing, listCorpus } from "./explain/list.ts";
export type { InProcessIut } from "./link/in-process.ts";
export { LineError, LineReader } from "./link/line-reader.ts";
export type { Way } from "./link/ways.ts";
export { type ConformanceOptions, DEFAULT_CORPUS, DEFAULT_SPEC, UsageError } from "./options.ts";
export type * from "./protocol.ts";
export { EVENT_CLASSES, HEX_LIMIT, LINE_LIMIT } from "./protocol.ts";
export { type Certificate, CertificateError, readCertificate } from "./report/certificate.ts";
export { html as matrixPage } from "./report/html.ts";
export { paint, paintFor } from "./report/paint.ts";
export { ReportError, readReport } from "./report/read.ts";
export type { JsonReport, Report } from "./report/report.ts";
export { verifyByEvents, verifyByReplay } from "./report/verify.ts";
export { type ConformanceResult, runConformance, runInProcess } from "./run.ts";
export { idFilter } from "./selection.ts";
export { EXIT, type ExitCode, type Outcome, type Verdict } from "./verdict.ts";
