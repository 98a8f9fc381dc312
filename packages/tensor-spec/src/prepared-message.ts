import { encodeMultipart, FrameEncoder, refusal } from "@tensorwire/framing";
import type { MessageLimits } from "./limits.ts";
import { byteLengthOf, checkSpecs, compareSpecs, type RawSpec, type TensorSpec } from "./spec.ts";
import { checkLength } from "./tensor.ts";

/** A tensor to send: its spec, and its bytes or the function that makes them. */
export interface TensorSource extends RawSpec {
  /** Elements in C order, little-endian. Passed on by reference: must not change until the message has been sent. */
  readonly data: ArrayBufferView | (() => ArrayBufferView);
}

/** What a protocol hands over once its own fields are validated. */
export interface MessageParts<Subject extends object> {
  readonly subject: Subject;
  /** The fixed header, where the protocol has one. */
  readonly header?: Uint8Array;
  /** Serialises the manifest, envelope or result around its checked specs. Absent: the header is the message. */
  readonly serialise?: (specs: readonly TensorSpec[]) => Uint8Array;
  readonly tensors?: readonly TensorSource[];
}

const RECORD_HEADER = 8;

/** The constructor of PreparedMessage, for this module alone. */
let make: <Subject extends object>(subject: Subject, buffers: readonly Uint8Array[]) => PreparedMessage<Subject>;

/**
 * A message that can be sent: nothing of it can fail any more but the connection. Only the `prepare…` functions of the protocols
 * make one, after everything has been validated, serialised and materialised, so that what takes a PreparedMessage cannot
 * strand its receiver behind a header. r[tp.send.order] Whoever sends it owes the rest: after a failure behind its first byte
 * nothing more goes out on that connection. r[tp.send.poison] r[pp.send.poison]
 */
export class PreparedMessage<Subject extends object = object> {
  /** What is sent, for reports: a TP or PP header, or the ids of a result. A copy, frozen: a sender follows it. */
  readonly subject: Subject;
  /**
   * Header, frame and tensors in wire order, tensors by reference. Any number of connections may send the same, so the list
   * is frozen. r[tp.encode.layout] r[pp.encode.layout]
   */
  readonly buffers: readonly Uint8Array[];
  readonly byteLength: number;
  /** Makes the type nominal: an object of the same shape is not a PreparedMessage. */
  readonly #prepared = true;

  private constructor(subject: Subject, buffers: readonly Uint8Array[]) {
    this.subject = Object.freeze({ ...subject });
    this.buffers = Object.freeze(buffers);
    this.byteLength = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
    Object.freeze(this);
  }

  static {
    make = (subject, buffers) => new PreparedMessage(subject, buffers);
  }

  /** True for what a protocol has prepared, whatever else claims the type. */
  static is(value: unknown): value is PreparedMessage {
    return typeof value === "object" && value !== null && #prepared in value;
  }
}

/**
 * Specs, then serialise, then materialise. Tensors may come in any order.
 *
 * @throws WireError `spec.mismatch` or `oversize.declared`, and whatever a tensor's own function throws. No byte exists then.
 *   r[tp.send.nothing] r[pp.send.nothing]
 */
export function prepareMessage<Subject extends object>(
  parts: MessageParts<Subject>,
  limits: MessageLimits,
): PreparedMessage<Subject> {
  const header = parts.header === undefined ? [] : [parts.header];
  if (parts.serialise === undefined) return make(parts.subject, header);
  const sources = (parts.tensors ?? []).toSorted(compareSpecs);
  const specs = checkSpecs(sources, limits, refusal);
  const body = parts.serialise(specs);
  // r[tp.encode.oversize] r[pp.encode.oversize]
  if (body.length > limits.maxManifestLength) {
    const message = `expected a manifest of at most ${limits.maxManifestLength} bytes, ${body.length} bytes came`;
    throw refusal("oversize.declared", message);
  }
  const encoder = new FrameEncoder("len64", limits);
  // Judged before a tensor is made: a message that is too long costs no work.
  encoder.check(specs.reduce((sum, spec) => sum + RECORD_HEADER + byteLengthOf(spec), RECORD_HEADER + body.length));
  const data = sources.map((source, i) => materialise(source, specs[i]!));
  const payload = encodeMultipart({ body: { bytes: body }, parts: data.map((bytes) => ({ bytes })) }, limits);
  return make(parts.subject, [...header, ...encoder.encode(payload)]);
}

function materialise({ data }: TensorSource, spec: TensorSpec): Uint8Array {
  const { buffer, byteOffset, byteLength } = typeof data === "function" ? data() : data;
  checkLength(spec, byteLength, refusal);
  return new Uint8Array(buffer, byteOffset, byteLength);
}
