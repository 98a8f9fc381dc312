import type { Answer, CaseRequest, Event, Step } from "@tensorwire/conformance/protocol";
import { WireError } from "@tensorwire/framing";
import { bytesEvent } from "./bytes.ts";
import { type CaseDecoder, type CaseEncoder, type CaseLimits, CODECS, type Codec, readLimits } from "./codec.ts";
import { Declined } from "./declined.ts";

/** Answers one request of the harness with the reference's codecs. No state survives the call. r[iut.case.stateless] */
export function handleCase(request: CaseRequest): Answer {
  const { seq } = request;
  try {
    return { op: "result", seq, steps: runCase(request) };
  } catch (error) {
    return refused(seq, error);
  }
}

export function refused(seq: number, error: unknown): Answer {
  if (error instanceof Declined) return { op: "declined", seq, reason: error.reason, text: error.message };
  return { op: "errored", seq, text: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

/** What a case is about; declines what the reference does not have. */
export function openCase({ op, profile, role, limits }: CaseRequest): Opened {
  if (op !== "case") throw new Declined("operation", `no operation is named ${String(op)}`);
  const codec = CODECS.get(profile);
  if (codec === undefined) throw new Declined("profile", `no profile is named ${profile}`);
  const read = readLimits(codec, limits);
  if (role !== "decode" && role !== "encode") throw new Declined("role", `no role is named ${String(role)}`);
  if (role === "encode" && codec.encoder === undefined) {
    throw new Declined("role", `profile ${profile} has no encoder`);
  }
  return { codec, limits: read, decodes: role === "decode" };
}

interface Opened {
  readonly codec: Codec;
  readonly limits: CaseLimits;
  /** Else it encodes, and the codec has an encoder. */
  readonly decodes: boolean;
}

function runCase(request: CaseRequest): Event[][] {
  const { steps } = request;
  const { codec, limits, decodes } = openCase(request);
  if (decodes) {
    const open = () => codec.decoder(limits);
    let connection = new Connection(open());
    return steps.map((step) => {
      const { kind, value } = only(step);
      if (kind === "reset") connection = new Connection(open());
      else if (kind === "feed") return connection.read(Uint8Array.fromHex(value as string));
      else if (kind === "feed_fill") return connection.read(filled(value as { byte: number; count: number }));
      else if (kind === "eof") return connection.end();
      else throw new Declined("step", `role decode has no step ${kind}`);
      return [];
    });
  }
  const open = codec.encoder as NonNullable<Codec["encoder"]>;
  let encoder = open(limits);
  return steps.map((step) => {
    const { kind, value } = only(step);
    if (kind === "encode") return encodeOne(encoder, value as Parameters<CaseEncoder>[0]);
    if (kind !== "reset") throw new Declined("step", `role encode has no step ${kind}`);
    encoder = open(limits);
    return [];
  });
}

/** The one key of a step; a step with more says two things, and is declined. r[iut.step.one-key] */
export function only(step: Step): { kind: string; value: unknown } {
  const keys = Object.keys(step);
  const [kind] = keys;
  if (kind === undefined || keys.length > 1) throw new Declined("step", `a step has one key, not ${keys.length}`);
  return { kind, value: (step as Readonly<Record<string, unknown>>)[kind] };
}

export const filled = ({ byte, count }: { byte: number; count: number }) => Buffer.alloc(count, byte);

/** What the chunk is overwritten with when its step is over. */
const POISON = 0xa5;

/**
 * One connection of a case, from its start or a reset to the next. The decoder is asked after an error too: that it stays
 * silent is its own virtue, not the adapter's. Only the same error is not told twice.
 */
export class Connection {
  readonly #decoder: CaseDecoder;
  #told: WireError | null = null;

  constructor(decoder: CaseDecoder) {
    this.#decoder = decoder;
  }

  /** One read of exactly these bytes. A decoder that keeps a view of them will find them changed after `done`. */
  read(chunk: Uint8Array, done?: () => void): Event[] {
    const { events, error } = this.#decoder.push(chunk);
    if (error !== null) events.push(...this.#tell(error));
    done?.();
    chunk.fill(POISON);
    return events;
  }

  end(): Event[] {
    const error = this.#decoder.end();
    return error === null ? [{ event: "end" }] : this.#tell(error);
  }

  #tell(error: WireError): Event[] {
    if (error === this.#told) return [];
    this.#told = error;
    return [errorEvent(error)];
  }
}

function encodeOne(encoder: CaseEncoder, value: Parameters<CaseEncoder>[0]): Event[] {
  try {
    return [bytesEvent(encoder(value))];
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return [errorEvent(error)];
  }
}

export function errorEvent({ code, offset, fatal, message }: WireError): Event {
  return { event: "error", class: code, at: String(offset), fatal, text: message };
}
