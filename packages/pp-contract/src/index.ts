export { PpAcceptance, type PpAcceptanceOptions, type PpCall, type Verdict } from "./acceptance.ts";
export { outputDigest, type Sha256, withDigest } from "./digest.ts";
export {
  PP_ENVELOPE_VERSION,
  type PpEnvelope,
  type PpHeader,
  type PpRequest,
  PpRequestDecoder,
  type PpRequestInit,
  preparePpRequest,
} from "./request.ts";
export {
  type DecodedResults,
  PP_RESULT_VERSION,
  type PpCallIds,
  type PpResult,
  PpResultDecoder,
  type PpResultInit,
  type PpResultMessage,
  preparePpResult,
} from "./result.ts";
export { PpSession } from "./session.ts";
export type { LmStep, PpStep, VideoStep } from "./step.ts";
