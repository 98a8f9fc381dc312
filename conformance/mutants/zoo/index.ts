import type { Mutant } from "../mutant.ts";
import { ACCEPTANCES } from "./acceptance.ts";
import { BESIDE } from "./beside.ts";
import { ENVELOPES } from "./envelopes.ts";
import { EVOLUTION } from "./evolution.ts";
import { GROUPS } from "./groups.ts";
import { HEADERS } from "./headers.ts";
import { HELLOS } from "./hellos.ts";
import { KWARGS } from "./kwargs.ts";
import { LENDING } from "./lending.ts";
import { MANIFESTS } from "./manifests.ts";
import { MEMORY } from "./memory.ts";
import { MESSAGES } from "./messages.ts";
import { MULTIPART_DECODE } from "./multipart.ts";
import { MULTIPART_ENCODE } from "./multipart-encode.ts";
import { MULTIPART_TYPED } from "./multipart-typed.ts";
import { PLANS } from "./plans.ts";
import { PREFIX_ENCODE } from "./prefix-encode.ts";
import { PREFIX_ENDS } from "./prefix-ends.ts";
import { PREFIX_LENGTHS } from "./prefix-lengths.ts";
import { PREFIX_LIMITS } from "./prefix-limits.ts";
import { PREFIX_READS } from "./prefix-reads.ts";
import { RESULTS } from "./results.ts";
import { SENDING } from "./sending.ts";
import { SESSIONS } from "./sessions.ts";
import { SPECS } from "./specs.ts";
import { TLS } from "./tls.ts";
import { TRANSPORT } from "./transport.ts";
import { WIRE } from "./wire.ts";

/** Every mutant, in the order of the chapters. */
export const MUTANTS: readonly Mutant[] = [
  ...PREFIX_READS,
  ...PREFIX_LENGTHS,
  ...PREFIX_LIMITS,
  ...MEMORY,
  ...LENDING,
  ...BESIDE,
  ...PREFIX_ENDS,
  ...PREFIX_ENCODE,
  ...MULTIPART_DECODE,
  ...MULTIPART_TYPED,
  ...MULTIPART_ENCODE,
  ...HEADERS,
  ...MESSAGES,
  ...SPECS,
  ...MANIFESTS,
  ...PLANS,
  ...KWARGS,
  ...SENDING,
  ...ENVELOPES,
  ...RESULTS,
  ...SESSIONS,
  ...TRANSPORT,
  ...WIRE,
  ...ACCEPTANCES,
  ...GROUPS,
  ...HELLOS,
  ...TLS,
  ...EVOLUTION,
];
