import type { Json } from "@tensorwire/conformance/protocol";
import {
  prepareTp,
  TP_ENVELOPE_VERSION,
  TpDecoder,
  type TpManifest,
  type TpManifestInit,
  type TpMessage,
  type TpMessageInit,
  TpSession,
  type VideoStep,
} from "@tensorwire/tp-control";
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

export function tpDecoder(limits: CaseLimits, keep?: Keep): CaseDecoder {
  return caseDecoder(new TpDecoder(limits), showMessage, keep);
}

export function tpSessionDecoder(limits: CaseLimits, keep?: Keep): CaseDecoder {
  return caseDecoder(new TpSession(limits), showMessage, keep);
}

export function tpEncoder(limits: CaseLimits): CaseEncoder {
  return (value) => prepareTp(readMessage(value), limits).buffers;
}

/** A message to send, as a request has it. */
export function readMessage(value: JsonObject): TpMessageInit {
  const header = readHeader(value.header);
  const manifest = value.manifest as JsonObject | undefined;
  if (manifest === undefined) return { header, tensors: looseTensors(value.tensors) };
  checkVersion(manifest.tp_envelope_version, TP_ENVELOPE_VERSION);
  const tensors = readTensors(manifest.tensor_specs, value.tensors);
  return { header, manifest: readManifest(manifest), tensors };
}

export function showMessage(message: TpMessage): Json {
  const header = show(message.header);
  if (!("manifest" in message)) return { header };
  return { header, manifest: showManifest(message.manifest), tensors: showTensors(message.tensors) };
}

function showManifest({ video, tp_plan, ...manifest }: TpManifest): Json {
  return {
    ...(manifest as unknown as JsonObject),
    ...(tp_plan === "" ? {} : { tp_plan }),
    ...(video === undefined ? {} : { video: show(video) }),
  };
}

function readManifest({ kwargs, tp_plan, video }: JsonObject): TpManifestInit {
  return {
    ...(kwargs === undefined ? {} : { kwargs: kwargs as NonNullable<TpManifestInit["kwargs"]> }),
    ...(tp_plan === undefined ? {} : { tp_plan: tp_plan as NonNullable<TpManifestInit["tp_plan"]> }),
    ...(video === undefined ? {} : { video: widen(video as JsonObject) as unknown as VideoStep }),
  };
}
