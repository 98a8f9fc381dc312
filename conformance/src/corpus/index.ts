/** The corpus: its files, its vectors and what the sweeps make of them. */

export { type Bins, bytesEvent, resolveValue, segmentBytes } from "./bytes.ts";
export { CorpusDefect } from "./defect.ts";
export { digestFaults } from "./digest.ts";
export { type CorpusFiles, type FamilyFiles, readCorpusFiles } from "./files.ts";
export type { Meaning } from "./history.ts";
export { loadCorpus } from "./load.ts";
export type { Case, Corpus, Level, Mark } from "./types.ts";
export {
  type FieldType,
  type FileDecodeVector,
  type FileEncodeVector,
  type FileSegment,
  type FileVector,
  type ProfileFile,
  refuses,
  type VectorFile,
} from "./vector-file.ts";

export type { RanksScenario, WireFile } from "./wire-file.ts";
