import ppProto from "@tensorwire/spec/proto/pp_contract.proto" with { type: "text" };
import tensorProto from "@tensorwire/spec/proto/tensor.proto" with { type: "text" };
import type { RawSpec } from "@tensorwire/tensor-spec";
import { loadProtos, type ProtoCodec } from "@tensorwire/tp-control";
import type { LmStep, VideoStep } from "./step.ts";

/** `PPEnvelopeV1` as it stands on the wire: nothing of it has been judged. */
export interface WireEnvelope {
  readonly pp_envelope_version: number;
  /** A number where it is one that this version does not know. */
  readonly action: string | number;
  readonly call_id: bigint;
  readonly chunk_index: bigint;
  readonly cache_epoch: bigint;
  readonly tensor_specs: readonly RawSpec[];
  readonly video?: VideoStep | undefined;
  readonly lm?: LmStep | undefined;
}

/** `PPResultV1` as it stands on the wire. */
export interface WireResult {
  readonly pp_result_version: number;
  readonly call_id: bigint;
  readonly chunk_index: bigint;
  readonly cache_epoch: bigint;
  readonly tensor_specs: readonly RawSpec[];
  /** Absent: true. */
  readonly ok?: boolean | undefined;
  readonly error_message: string;
  readonly observed_generator_calls: number;
  readonly mesh_current_start_frame: bigint;
  readonly output_digest_i64?: bigint | undefined;
  readonly stage1_ms?: number | undefined;
}

const codecOf = loadProtos([tensorProto, ppProto]);
export const envelopeCodec: ProtoCodec<WireEnvelope> = codecOf("tensorwire.pp.v1.PPEnvelopeV1");
export const resultCodec: ProtoCodec<WireResult> = codecOf("tensorwire.pp.v1.PPResultV1");
