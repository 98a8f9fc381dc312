import type { Mutant } from "../mutant.ts";
import { HEADER_MUTANTS } from "./header.ts";
import { MANIFEST_MUTANTS } from "./manifest.ts";
import { MULTIPART_MUTANTS } from "./multipart.ts";
import { PP_MUTANTS } from "./pp.ts";
import { PREFIX_ENCODE } from "./prefix-encode.ts";
import { PREFIX_ENDS } from "./prefix-ends.ts";
import { PREFIX_LENGTHS } from "./prefix-lengths.ts";
import { PREFIX_READS } from "./prefix-reads.ts";
import { TENSOR_MUTANTS } from "./tensors.ts";

/** Every mutant, in the order of the chapters. */
export const MUTANTS: readonly Mutant[] = [
  ...PREFIX_READS,
  ...PREFIX_LENGTHS,
  ...PREFIX_ENDS,
  ...PREFIX_ENCODE,
  ...MULTIPART_MUTANTS,
  ...HEADER_MUTANTS,
  ...TENSOR_MUTANTS,
  ...MANIFEST_MUTANTS,
  ...PP_MUTANTS,
];
