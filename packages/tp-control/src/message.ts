import { type MultipartMessage, refusal } from "@tensorwire/framing";
import {
  type MessageLimits,
  messageLimits,
  type PreparedMessage,
  peerFault,
  type Tensor,
  type TensorSource,
} from "@tensorwire/tensor-spec";
import { prepareMessage } from "@tensorwire/tensor-spec/internal";
import { encodeHeader, type TpHeader } from "./header.ts";
import { HeaderDecoder } from "./header-decoder.ts";
import { manifestSerialiser, readManifest, type TpManifest, type TpManifestInit } from "./manifest.ts";

/** A message that arrived: the header alone, or with INFER its manifest and one tensor for each spec. */
export type TpMessage =
  | { readonly header: TpHeader & { readonly action: "NOOP" | "SHUTDOWN" } }
  | {
      readonly header: TpHeader & { readonly action: "INFER" };
      readonly manifest: TpManifest;
      readonly tensors: readonly Tensor[];
    };

/** A message to send. `manifest` belongs to INFER, which needs one, and to INFER alone. */
export interface TpMessageInit {
  readonly header: TpHeader;
  readonly manifest?: TpManifestInit;
  readonly tensors?: readonly TensorSource[];
}

/** @internal */
export function readTp(
  header: TpHeader,
  payload: MultipartMessage | null,
  at: number,
  limits: MessageLimits,
): TpMessage {
  const { action } = header;
  if (action !== "INFER" || payload === null) return { header: header as TpHeader & { action: "NOOP" | "SHUTDOWN" } };
  const read = readManifest(payload.body.bytes, payload.parts, limits, peerFault(at));
  return { header: { ...header, action }, ...read };
}

/** Decodes the layout of `spec/tp-control.md`, profile `tp`: whether ids and epochs are in order is `TpSession`'s. */
export class TpDecoder extends HeaderDecoder<TpMessage> {
  constructor(limits: Partial<MessageLimits> = {}) {
    const all = messageLimits(limits);
    super((header, payload, at) => readTp(header, payload, at, all), all);
  }
}

/**
 * Makes a message that can be sent: every field validated, the manifest serialised, specs checked, tensors materialised.
 * Share the result between the connections of a group: its tensors are encoded once. r[tp.send.order]
 *
 * @throws WireError refusals `header.field`, `spec.mismatch`, `oversize.declared`, and whatever a tensor's own function
 *   throws; nothing was emitted.
 */
export function prepareTp(
  { header, manifest, tensors = [] }: TpMessageInit,
  limits: Partial<MessageLimits> = {},
): PreparedMessage<TpHeader> {
  const bytes = encodeHeader(header);
  const all = messageLimits(limits);
  // r[tp.encode.payload-matches-action]
  if (header.action !== "INFER") {
    if (manifest === undefined && tensors.length === 0) {
      return prepareMessage({ subject: header, header: bytes }, all);
    }
    throw refusal("header.field", `expected the header alone with ${header.action}, a manifest or tensors came`);
  }
  if (manifest === undefined) throw refusal("header.field", "expected a manifest with INFER, none came");
  const serialise = manifestSerialiser(manifest, all);
  return prepareMessage({ subject: header, header: bytes, serialise, tensors }, all);
}
