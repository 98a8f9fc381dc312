import type { Event, Json } from "@tensorwire/conformance/protocol";
import { type DecoderMemory, refusal, type WireError } from "@tensorwire/framing";
import type { RawSpec, Tensor, TensorSource } from "@tensorwire/tensor-spec";
import type { Decoded, TpHeader } from "@tensorwire/tp-control";
import { readBytes, showBytes } from "./bytes.ts";
import type { CaseDecoder, Keep } from "./codec.ts";

/** What the JSON forms of the TP and PP messages share. */
export type JsonObject = Readonly<Record<string, Json>>;

interface StreamDecoder<Message> {
  push(chunk: Uint8Array): Decoded<Message>;
  end(): WireError | null;
  readonly memory: DecoderMemory;
}

/** A stream decoder of the reference, its messages as events. */
export function caseDecoder<Message>(
  decoder: StreamDecoder<Message>,
  show: (message: Message) => Json,
  keep?: Keep,
): CaseDecoder {
  return {
    push: (chunk) => {
      const { messages, error } = decoder.push(chunk);
      for (const message of messages) keep?.(() => show(message));
      return { events: messages.map((message): Event => ({ event: "message", value: show(message) })), error };
    },
    end: () => decoder.end(),
    memory: () => decoder.memory,
  };
}

/** Integers of 64 bits become decimal strings; nothing else of these messages is a bigint. r[iut.numbers.decimal] */
export const show = (value: object): JsonObject =>
  Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, typeof field === "bigint" ? `${field}` : field]),
  );

export const showTensors = (tensors: readonly Tensor[]): Json => tensors.map(({ data }) => showBytes(data));

const WIDE: ReadonlySet<string> = new Set([
  ...["call_id", "chunk_index", "control_epoch", "cache_epoch", "current_start_frame", "base_seed"],
  ...["mesh_current_start_frame", "output_digest_i64"],
]);

/** The fields of 64 bits become bigints again. */
export const widen = (value: JsonObject): Readonly<Record<string, Json | bigint>> =>
  Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, WIDE.has(name) ? BigInt(field as string) : field]),
  );

export const readHeader = (header: Json | undefined) => widen(header as JsonObject) as unknown as TpHeader;

/** A version is written by the encoder, and can only be the one that it speaks. */
export function checkVersion(came: Json | undefined, spoken: number): void {
  if (came !== undefined && came !== spoken) throw refusal("version", `expected version ${spoken}, ${came} came`);
}

/** The tensors of a message to encode, one for each spec. */
export function readTensors(tensor_specs: Json | undefined, tensors: Json | undefined): TensorSource[] {
  const specs = (tensor_specs ?? []) as unknown as readonly RawSpec[];
  const bytes = (tensors ?? []) as readonly Json[];
  if (specs.length !== bytes.length) {
    throw refusal("spec.mismatch", `expected ${specs.length} tensors, one for each spec, ${bytes.length} came`);
  }
  return specs.map((spec, i) => source(spec, bytes[i]));
}

/** Tensors without specs, as a header that carries none must refuse them. */
export function looseTensors(tensors: Json | undefined): TensorSource[] {
  return ((tensors ?? []) as readonly Json[]).map((bytes, i) =>
    source({ key: String(i), dtype: "uint8", shape: [] }, bytes),
  );
}

/** The bytes are built when the encoder asks for them: after it has judged everything else. */
function source(spec: RawSpec, bytes: Json | undefined): TensorSource {
  return { ...spec, data: () => readBytes(bytes).build() };
}
