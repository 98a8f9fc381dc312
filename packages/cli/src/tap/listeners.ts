import {
  decodeMultipart,
  FRAMING_PROFILES,
  FrameDecoder,
  FrameEncoder,
  type FramingProfile,
  type Part,
  WireError,
} from "@tensorwire/framing";
import { PpRequestDecoder, PpResultDecoder, PpSession } from "@tensorwire/pp-contract";
import { HeaderDecoder, TpDecoder, type TpHeader, TpSession } from "@tensorwire/tp-control";
import type { CallLint } from "./calls.ts";
import type { Heard, Listener, Passed, TapLimits } from "./listener.ts";

export const TAP_PROFILES = [
  ...FRAMING_PROFILES,
  "multipart",
  "multipart-typed",
  "tp",
  "tp-session",
  "pp-envelope",
  "pp-session",
  "pp-result",
] as const;
export type TapProfile = (typeof TAP_PROFILES)[number];

/** Follows one direction with the decoders of the reference. `calls`: of requests and results that belong together. */
export function listenerFor(profile: TapProfile, limits: TapLimits, calls?: CallLint): Listener {
  switch (profile) {
    case "multipart":
    case "multipart-typed":
      return multipart(profile === "multipart-typed", limits);
    case "tp":
      return headed(new TpDecoder(limits), limits);
    case "tp-session":
      return session(new TpSession(limits), limits);
    case "pp-envelope":
      return headed(new PpRequestDecoder(limits), limits);
    case "pp-session":
      return session(hearing(new PpSession(limits), calls), limits);
    case "pp-result":
      return results(limits, calls);
    default:
      return frames(profile, limits);
  }
}

const LEADS: Partial<Record<FramingProfile, string>> = { "len56-tagged": "tag", "grpc-lpm": "flag" };

function frames(profile: FramingProfile, limits: TapLimits): Listener {
  const decoder = new FrameDecoder(profile, limits);
  const { prefixSize } = new FrameEncoder(profile);
  const lead = LEADS[profile];
  return {
    push(chunk) {
      const batch = decoder.push(chunk);
      const passed: Passed[] = [];
      for (let i = 0; i < batch.count; i++) {
        const payload = batch.end(i) - batch.start(i);
        const to = batch.at(i);
        const about = { ...(lead === undefined ? {} : { [lead]: batch.lead(i) }), payload };
        passed.push({ from: to - payload - prefixSize, to, kind: "frame", about });
      }
      return { passed, error: batch.error };
    },
    end: () => decoder.end(),
    remark: undefined,
  };
}

function multipart(typed: boolean, limits: TapLimits): Listener {
  const decoder = new FrameDecoder("len64", limits);
  let refused: WireError | null = null;
  return {
    push(chunk) {
      const passed: Passed[] = [];
      const batch = decoder.push(chunk);
      try {
        for (let i = 0; i < batch.count && refused === null; i++) {
          const to = batch.at(i);
          const { body, parts } = decodeMultipart(batch.view(i), { typed, offset: to });
          const from = to - (batch.end(i) - batch.start(i)) - 8;
          const about = { body: body.bytes.length, parts: parts.length, part_bytes: sizeOf(parts) };
          passed.push({ from, to, kind: "message", about });
        }
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        refused = error;
      }
      return { passed, error: refused ?? batch.error };
    },
    end: () => refused ?? decoder.end(),
    remark: undefined,
  };
}

const sizeOf = (parts: readonly Pick<Part, "bytes">[]) => parts.reduce((sum, { bytes }) => sum + bytes.length, 0);

/** A message as its layout has it: what the decoders of TP and PP do not say is where it lies, and which one they have dropped. */
interface Laid {
  readonly header: TpHeader;
  readonly to: number;
  readonly about: Passed["about"];
}

interface Headed {
  push(chunk: Uint8Array): { readonly messages: readonly unknown[]; readonly error: WireError | null };
  end(): WireError | null;
}

/** What `decoder` says, at the places that the layout has. `drops`: it delivers no message with the call_id of the last. */
function headed(decoder: Headed, limits: TapLimits, drops = false): Listener {
  const layout = new HeaderDecoder<Laid>((header, payload, to) => {
    const about = payload && { tensors: payload.parts.length, tensor_bytes: sizeOf(payload.parts) };
    return { header, to, about: about ?? {} };
  }, limits);
  let from = 0;
  let last: bigint | undefined;
  return {
    push(chunk): Heard {
      const { messages, error } = decoder.push(chunk);
      const passed: Passed[] = [];
      let left = messages.length;
      for (const { header, to, about } of layout.push(chunk).messages) {
        const { call_id, chunk_index, control_epoch, cache_epoch, action } = header;
        const dropped = drops && call_id === last;
        // What the decoder refuses is no message, and nothing behind it is.
        if (!dropped && left-- === 0) break;
        if (error !== null && to > error.offset) break;
        const ids = { call_id, chunk_index, control_epoch, cache_epoch };
        const shown = Object.fromEntries(Object.entries(ids).map(([name, id]) => [name, id.toString()]));
        passed.push({ from, to, kind: action, about: { ...shown, ...about }, ...(dropped && { dropped }) });
        from = to;
        last = call_id;
      }
      return { passed, error };
    },
    end: () => decoder.end(),
    remark: undefined,
  };
}

interface Session extends Headed {
  readonly closed: boolean;
}

function session(decoder: Session, limits: TapLimits): Listener {
  const listener = headed(decoder, limits, true);
  return {
    push: listener.push,
    end: listener.end,
    // r[tp-session.eof] r[pp-session.eof]: it is no error of the stream, and its receiver has lost its peer.
    get remark() {
      return decoder.closed ? undefined : "without SHUTDOWN";
    },
  };
}

/** A session whose requests are heard. */
function hearing(decoder: PpSession, calls: CallLint | undefined): Session {
  if (calls === undefined) return decoder;
  return {
    push(chunk) {
      const decoded = decoder.push(chunk);
      for (const request of decoded.messages) calls.request(request);
      return decoded;
    },
    end: () => decoder.end(),
    get closed() {
      return decoder.closed;
    },
  };
}

function results(limits: TapLimits, calls: CallLint | undefined): Listener {
  const decoder = new PpResultDecoder(limits);
  let from = 0;
  return {
    push(chunk) {
      const { messages, ends, error } = decoder.push(chunk);
      const passed = messages.map((message, i): Passed => {
        const { result, tensors } = message;
        calls?.result(message, ends[i]!);
        const begun = from;
        from = ends[i]!;
        const { call_id, chunk_index, cache_epoch, ok } = result;
        const tensor_bytes = tensors.reduce((sum, { data }) => sum + data.length, 0);
        const ids = { call_id: `${call_id}`, chunk_index: `${chunk_index}`, cache_epoch: `${cache_epoch}` };
        const about = { ...ids, ok, tensors: tensors.length, tensor_bytes };
        return { from: begun, to: from, kind: "result", about };
      });
      return { passed, error };
    },
    end: () => decoder.end(),
    get remark() {
      return calls?.remark;
    },
  };
}
