import { type MultipartMessage, refusal } from "@tensorwire/framing";
import {
  checkSpecs,
  type MessageLimits,
  messageLimits,
  type PreparedMessage,
  peerFault,
  type Tensor,
  type TensorSource,
  type TensorSpec,
  takeTensors,
} from "@tensorwire/tensor-spec";
import { prepareMessage } from "@tensorwire/tensor-spec/internal";
import { encodeHeader, HeaderDecoder, parseBody, type TpHeader } from "@tensorwire/tp-control";
import { envelopeCodec } from "./codec.ts";
import { checkStep, type PpStep } from "./step.ts";

/** The version of `PPEnvelopeV1` that this implementation speaks. */
export const PP_ENVELOPE_VERSION = 1;

/** The TP header's layout and names; here `control_epoch` counts the messages of this sender. r[pp.header.layout] */
export type PpHeader = TpHeader;

/** The envelope of an INFER, as it arrived: checked against its header, its step and its specs. */
export type PpEnvelope = PpStep & {
  readonly pp_envelope_version: 1;
  readonly action: "INFER";
  readonly call_id: bigint;
  readonly chunk_index: bigint;
  readonly cache_epoch: bigint;
  readonly tensor_specs: readonly TensorSpec[];
};

/** A request that arrived: the header alone, or with INFER its envelope and one tensor for each spec. */
export type PpRequest =
  | { readonly header: PpHeader & { readonly action: "NOOP" | "SHUTDOWN" } }
  | {
      readonly header: PpHeader & { readonly action: "INFER" };
      readonly envelope: PpEnvelope;
      readonly tensors: readonly Tensor[];
    };

/** A request to send. `step` belongs to INFER, which needs one, and to INFER alone; ids are taken from the header. */
export interface PpRequestInit {
  readonly header: PpHeader;
  readonly step?: PpStep;
  readonly tensors?: readonly TensorSource[];
}

/** @internal */
export function readRequest(
  header: PpHeader,
  payload: MultipartMessage | null,
  at: number,
  limits: MessageLimits,
): PpRequest {
  const { action, call_id, chunk_index, cache_epoch } = header;
  if (action !== "INFER" || payload === null) return { header: header as PpHeader & { action: "NOOP" | "SHUTDOWN" } };
  const blame = peerFault(at);
  const wire = parseBody(envelopeCodec, PP_ENVELOPE_VERSION, payload.body.bytes, limits, blame);
  // r[pp.envelope.ids]
  for (const name of ["action", "call_id", "chunk_index", "cache_epoch"] as const) {
    if (wire[name] === header[name]) continue;
    throw blame("header.field", `${name}: expected the header's ${header[name]} in the envelope, ${wire[name]} came`);
  }
  // r[pp.limit.allocation]: tensors are taken last, from parts that are here.
  const tensor_specs = checkSpecs(wire.tensor_specs, limits, blame);
  const step = checkStep(wire, tensor_specs, blame);
  const tensors = takeTensors(tensor_specs, payload.parts, blame);
  const ids = { pp_envelope_version: PP_ENVELOPE_VERSION, action, call_id, chunk_index, cache_epoch } as const;
  return { header: { ...header, action }, envelope: { ...ids, tensor_specs, ...step }, tensors };
}

/** Decodes requests by layout, profile `pp-envelope`: whether ids and epochs are in order is `PpSession`'s. */
export class PpRequestDecoder extends HeaderDecoder<PpRequest> {
  constructor(limits: Partial<MessageLimits> = {}) {
    const all = messageLimits(limits);
    super((header, payload, at) => readRequest(header, payload, at, all), all);
  }
}

/**
 * Preflight: makes a request that can be sent, every field and formula validated, the envelope serialised, specs checked,
 * tensors materialised. r[pp.send.order] r[pp.encode.layout]
 *
 * @throws WireError refusals `header.field`, `spec.mismatch`, `oversize.declared`, and whatever a tensor's own function
 *   throws; nothing was emitted.
 */
export function preparePpRequest(
  { header, step, tensors = [] }: PpRequestInit,
  limits: Partial<MessageLimits> = {},
): PreparedMessage<PpHeader> {
  const bytes = encodeHeader(header);
  const { action, call_id, chunk_index, cache_epoch } = header;
  // r[pp.encode.payload-matches-action]
  if (action !== "INFER") {
    if (step === undefined && tensors.length === 0) {
      return prepareMessage({ subject: header, header: bytes }, messageLimits(limits));
    }
    throw refusal("header.field", `expected the header alone with ${action}, a step or tensors came`);
  }
  if (step === undefined) throw refusal("header.field", "expected a step with INFER, none came");
  const ids = { pp_envelope_version: PP_ENVELOPE_VERSION, action, call_id, chunk_index, cache_epoch };
  const serialise = (tensor_specs: readonly TensorSpec[]) =>
    envelopeCodec.encode({ ...ids, tensor_specs, ...checkStep(step, tensor_specs, refusal) });
  return prepareMessage({ subject: header, header: bytes, serialise, tensors }, messageLimits(limits));
}
