import type { Event, Json } from "@tensorwire/conformance/protocol";
import { refusal } from "@tensorwire/framing";
import type { RawSpec, TensorSource } from "@tensorwire/tensor-spec";
import {
  prepareTp,
  TP_ENVELOPE_VERSION,
  TpDecoder,
  type TpHeader,
  type TpManifest,
  type TpManifestInit,
  type TpMessage,
  type VideoStep,
} from "@tensorwire/tp-control";
import { readBytes, showBytes } from "./bytes.ts";
import type { CaseDecoder, CaseEncoder, CaseLimits } from "./codec.ts";

type JsonObject = Readonly<Record<string, Json>>;

export function tpDecoder(limits: CaseLimits): CaseDecoder {
  const decoder = new TpDecoder(limits);
  return {
    push: (chunk) => {
      const { messages, error } = decoder.push(chunk);
      return { events: messages.map((message): Event => ({ event: "message", value: showMessage(message) })), error };
    },
    end: () => decoder.end(),
  };
}

export function tpEncoder(limits: CaseLimits): CaseEncoder {
  return (value) => {
    const header = readHeader(value.header as JsonObject);
    const manifest = value.manifest as JsonObject | undefined;
    const tensors = (value.tensors ?? []) as readonly Json[];
    if (manifest === undefined) {
      const loose = tensors.map((bytes, i) => source({ key: String(i), dtype: "uint8", shape: [] }, bytes));
      return prepareTp({ header, tensors: loose }, limits).buffers;
    }
    const version = manifest.tp_envelope_version ?? TP_ENVELOPE_VERSION;
    if (version !== TP_ENVELOPE_VERSION) throw refusal("version", `expected version 1, ${String(version)} came`);
    const specs = (manifest.tensor_specs ?? []) as unknown as readonly RawSpec[];
    if (specs.length !== tensors.length) {
      throw refusal("spec.mismatch", `expected ${specs.length} tensors, one for each spec, ${tensors.length} came`);
    }
    const sources = specs.map((spec, i) => source(spec, tensors[i]));
    return prepareTp({ header, manifest: readManifest(manifest), tensors: sources }, limits).buffers;
  };
}

/** The bytes are built when the encoder asks for them: after it has judged everything else. */
function source(spec: RawSpec, bytes: Json | undefined): TensorSource {
  return { ...spec, data: () => readBytes(bytes).build() };
}

/** Integers of 64 bits become decimal strings; nothing else of these messages is a bigint. */
const show = (value: object): JsonObject =>
  Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, typeof field === "bigint" ? `${field}` : field]),
  );

function showMessage(message: TpMessage): Json {
  const header = show(message.header);
  if (!("manifest" in message)) return { header };
  return {
    header,
    manifest: showManifest(message.manifest),
    tensors: message.tensors.map(({ data }) => showBytes(data)),
  };
}

function showManifest({ video, tp_plan, ...manifest }: TpManifest): Json {
  return {
    ...(manifest as unknown as JsonObject),
    ...(tp_plan === "" ? {} : { tp_plan }),
    ...(video === undefined ? {} : { video: show(video) }),
  };
}

const WIDE = ["call_id", "chunk_index", "control_epoch", "cache_epoch", "current_start_frame", "base_seed"];

const widen = (value: JsonObject): Readonly<Record<string, Json | bigint>> =>
  Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, WIDE.includes(name) ? BigInt(field as string) : field]),
  );

const readHeader = (header: JsonObject) => widen(header) as unknown as TpHeader;

function readManifest({ kwargs, tp_plan, video }: JsonObject): TpManifestInit {
  return {
    ...(kwargs === undefined ? {} : { kwargs: kwargs as NonNullable<TpManifestInit["kwargs"]> }),
    ...(tp_plan === undefined ? {} : { tp_plan: tp_plan as NonNullable<TpManifestInit["tp_plan"]> }),
    ...(video === undefined ? {} : { video: widen(video as JsonObject) as unknown as VideoStep }),
  };
}
