import { type DecoderMemory, decodeMultipart, FrameDecoder, refusal, WireError } from "@tensorwire/framing";
import {
  type Blame,
  checkSpecs,
  type MessageLimits,
  messageLimits,
  type PreparedMessage,
  peerFault,
  show,
  type Tensor,
  type TensorSource,
  type TensorSpec,
  takeTensors,
} from "@tensorwire/tensor-spec";
import { prepareMessage } from "@tensorwire/tensor-spec/internal";
import { type Decoded, parseBody, requireFinite } from "@tensorwire/tp-control";
import { resultCodec, type WireResult } from "./codec.ts";

/** The version of `PPResultV1` that this implementation speaks. */
export const PP_RESULT_VERSION = 1;

/** What names the call that a result answers. */
export interface PpCallIds {
  readonly call_id: bigint;
  readonly chunk_index: bigint;
  readonly cache_epoch: bigint;
}

/** The answer to one INFER, as it arrived. An error result (`ok` false) has a message and no tensors. */
export interface PpResult extends PpCallIds {
  readonly pp_result_version: 1;
  readonly tensor_specs: readonly TensorSpec[];
  readonly ok: boolean;
  /** Empty if and only if `ok`. */
  readonly error_message: string;
  readonly observed_generator_calls: number;
  /** Frame index that the stage's mesh has reached, in frames. */
  readonly mesh_current_start_frame: bigint;
  readonly output_digest_i64?: bigint;
  /** Time that the stage spent, in milliseconds. */
  readonly stage1_ms?: number;
}

export interface PpResultMessage {
  readonly result: PpResult;
  readonly tensors: readonly Tensor[];
}

/** A result to send. With `ok` false it needs an `error_message` and takes no tensors. */
export interface PpResultInit extends PpCallIds {
  /** Default true. */
  readonly ok?: boolean;
  readonly error_message?: string;
  readonly observed_generator_calls?: number;
  readonly mesh_current_start_frame?: bigint;
  readonly output_digest_i64?: bigint;
  readonly stage1_ms?: number;
  readonly tensors?: readonly TensorSource[];
}

function checkOutcome(ok: boolean, error_message: string, specs: readonly TensorSpec[], blame: Blame): void {
  // r[pp.result.error-message]
  if (ok !== (error_message === "")) {
    const came = ok ? show(error_message) : "none";
    throw blame("header.field", `error_message: expected one if and only if ok is false, ${came} came with ok ${ok}`);
  }
  // r[pp.result.tensors]
  if (ok !== specs.length > 0) {
    throw blame("spec.mismatch", `expected tensors if and only if ok, ${specs.length} came with ok ${ok}`);
  }
}

function readResult(payload: Uint8Array, at: number, limits: MessageLimits): PpResultMessage {
  const blame = peerFault(at);
  const { body, parts } = decodeMultipart(payload, { maxParts: limits.maxParts, offset: at });
  const wire = parseBody(resultCodec, PP_RESULT_VERSION, body.bytes, limits, blame);
  const tensor_specs = checkSpecs(wire.tensor_specs, limits, blame);
  // r[pp.manifest.protobuf]
  requireFinite(wire, ["stage1_ms"], blame);
  // r[pp.result.ok-default]
  const { ok = true } = wire;
  checkOutcome(ok, wire.error_message, tensor_specs, blame);
  const tensors = takeTensors(tensor_specs, parts, blame);
  const { output_digest_i64, stage1_ms } = wire;
  const result: PpResult = {
    pp_result_version: PP_RESULT_VERSION,
    call_id: wire.call_id,
    chunk_index: wire.chunk_index,
    cache_epoch: wire.cache_epoch,
    tensor_specs,
    ok,
    error_message: wire.error_message,
    observed_generator_calls: wire.observed_generator_calls,
    mesh_current_start_frame: wire.mesh_current_start_frame,
    ...(output_digest_i64 !== undefined && { output_digest_i64 }),
    ...(stage1_ms !== undefined && { stage1_ms }),
  };
  return { result, tensors };
}

/** What one `push` made whole, and for each message the offset of its end in the stream. */
export interface DecodedResults extends Decoded<PpResultMessage> {
  readonly ends: readonly number[];
}

/** Decodes the stream of results, profile `pp-result`: `len64` frames without a header. r[pp.result.layout] */
export class PpResultDecoder {
  readonly #limits: MessageLimits;
  readonly #frames: FrameDecoder;
  #error: WireError | null = null;

  constructor(limits: Partial<MessageLimits> = {}) {
    this.#limits = messageLimits(limits);
    this.#frames = new FrameDecoder("len64", this.#limits);
  }

  /** The fatal error, once there is one. */
  get error(): WireError | null {
    return this.#error;
  }

  get memory(): DecoderMemory {
    return this.#frames.memory;
  }

  /**
   * Reads a chunk. Messages own their bytes. Never throws for a peer's bytes.
   *
   * @throws WireError `state` after `end()`: the caller's fault.
   */
  push(chunk: Uint8Array): DecodedResults {
    const messages: PpResultMessage[] = [];
    const ends: number[] = [];
    // r[pp.error.sticky]: behind a result that was refused the frames may be whole, and are not read.
    const batch = this.#frames.push(chunk, 0, this.#error === null ? Number.POSITIVE_INFINITY : 0);
    try {
      for (let i = 0; i < batch.count; i++) {
        messages.push(readResult(batch.view(i), batch.at(i), this.#limits));
        ends.push(batch.at(i));
      }
      this.#error ??= batch.error;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#error = error;
    }
    return { messages, ends, error: this.#error };
  }

  /** The stream ended: null on a frame boundary, else the error that names the place. */
  end(): WireError | null {
    const cut = this.#frames.end();
    this.#error ??= cut;
    return this.#error;
  }
}

/**
 * Makes a result that can be sent. A stage answers every INFER with one: where it cannot do the call, with `ok` false.
 * r[pp.send.order] r[pp.result.exactly-one]
 *
 * @throws WireError refusals `header.field`, `spec.mismatch`, `oversize.declared`; nothing was emitted.
 */
export function preparePpResult(
  { tensors = [], ...init }: PpResultInit,
  limits: Partial<MessageLimits> = {},
): PreparedMessage<PpCallIds> {
  const { call_id, chunk_index, cache_epoch, ok = true, error_message = "" } = init;
  const serialise = (tensor_specs: readonly TensorSpec[]) => {
    checkOutcome(ok, error_message, tensor_specs, refusal);
    const wire: WireResult = {
      ...{ observed_generator_calls: 0, mesh_current_start_frame: 0n },
      ...init,
      pp_result_version: PP_RESULT_VERSION,
      tensor_specs,
      error_message,
      // Absent says true. r[pp.encode.canonical]
      ok: ok ? undefined : false,
    };
    return resultCodec.encode(wire);
  };
  return prepareMessage({ subject: { call_id, chunk_index, cache_epoch }, serialise, tensors }, messageLimits(limits));
}
