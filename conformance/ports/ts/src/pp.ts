import type { Json } from "@tensorwire/conformance/protocol";
import {
  PP_ENVELOPE_VERSION,
  PP_RESULT_VERSION,
  type PpRequest,
  PpRequestDecoder,
  type PpRequestInit,
  PpResultDecoder,
  type PpResultInit,
  type PpResultMessage,
  PpSession,
  type PpStep,
  preparePpRequest,
  preparePpResult,
} from "@tensorwire/pp-contract";
import type { CaseDecoder, CaseEncoder, CaseLimits, Keep } from "./codec.ts";
import {
  caseDecoder,
  checkVersion,
  type JsonObject,
  looseTensors,
  readHeader,
  readTensors,
  show,
  showTensors,
  widen,
} from "./tensors.ts";

export function ppEnvelopeDecoder(limits: CaseLimits, keep?: Keep): CaseDecoder {
  return caseDecoder(new PpRequestDecoder(limits), showRequest, keep);
}

export function ppSessionDecoder(limits: CaseLimits, keep?: Keep): CaseDecoder {
  return caseDecoder(new PpSession(limits), showRequest, keep);
}

export function ppResultDecoder(limits: CaseLimits, keep?: Keep): CaseDecoder {
  return caseDecoder(new PpResultDecoder(limits), showResult, keep);
}

export function ppEnvelopeEncoder(limits: CaseLimits): CaseEncoder {
  return (value) => preparePpRequest(readRequest(value), limits).buffers;
}

export function ppResultEncoder(limits: CaseLimits): CaseEncoder {
  return (value) => preparePpResult(readResult(value), limits).buffers;
}

/** A request to send. The ids of the envelope are the header's: the encoder copies them. */
export function readRequest({ header: given, pp_envelope_version, lm, video, ...rest }: JsonObject): PpRequestInit {
  const header = readHeader(given);
  const step = readStep(lm, video);
  if (step === undefined && rest.tensor_specs === undefined) return { header, tensors: looseTensors(rest.tensors) };
  checkVersion(pp_envelope_version, PP_ENVELOPE_VERSION);
  const tensors = readTensors(rest.tensor_specs, rest.tensors);
  return { header, ...(step && { step }), tensors };
}

export function readResult({ pp_result_version, tensor_specs, tensors, ...fields }: JsonObject): PpResultInit {
  checkVersion(pp_result_version, PP_RESULT_VERSION);
  return { ...widen(fields), tensors: readTensors(tensor_specs, tensors) } as unknown as PpResultInit;
}

/** Both steps at once are passed on: to refuse them is the encoder's. */
function readStep(lm: Json | undefined, video: Json | undefined): PpStep | undefined {
  if (lm === undefined && video === undefined) return undefined;
  return {
    ...(lm !== undefined && { lm }),
    ...(video !== undefined && { video: widen(video as JsonObject) }),
  } as unknown as PpStep;
}

export function showRequest(request: PpRequest): Json {
  const header = show(request.header);
  if (!("envelope" in request)) return { header };
  const { video, ...envelope } = request.envelope;
  return {
    header,
    ...show(envelope),
    ...(video === undefined ? {} : { video: show(video) }),
    tensors: showTensors(request.tensors),
  };
}

export function showResult({ result, tensors }: PpResultMessage): Json {
  return { ...show(result), tensors: showTensors(tensors) };
}
