import { fail } from "node:assert";
import { WireError } from "@tensorwire/framing";
import type { Decoded } from "./header-decoder.ts";

/** What every stream decoder of TP and PP has. */
export interface StreamDecoder<Message> {
  push(chunk: Uint8Array): Decoded<Message>;
  end(): WireError | null;
  readonly error: WireError | null;
}

export interface Outcome<Message> {
  readonly messages: readonly Message[];
  readonly error: { readonly code: string; readonly offset: number } | null;
}

/** Feeds `stream`, cut at `cuts` (ascending), then EOF. Every chunk is overwritten after its push, and a second end() must agree. */
export function decodeInChunks<Message>(
  decoder: StreamDecoder<Message>,
  stream: Uint8Array,
  cuts: readonly number[] = [],
): Outcome<Message> {
  const messages: Message[] = [];
  let from = 0;
  for (const to of [...cuts, stream.length]) {
    const chunk = stream.slice(from, to);
    messages.push(...decoder.push(chunk).messages);
    chunk.fill(0xee);
    from = to;
  }
  const error = decoder.end();
  return { messages, error: error && { code: error.code, offset: error.offset } };
}

/** Whole, byte by byte, and at every single cut: the outcomes, which must all be one. */
export function decodeEveryWay<Message>(make: () => StreamDecoder<Message>, stream: Uint8Array): Outcome<Message>[] {
  const everyByte = Array.from({ length: stream.length }, (_, i) => i);
  const cuts = [[], everyByte, ...everyByte.map((cut) => [cut]), [0, 0, stream.length]];
  return cuts.map((positions) => decodeInChunks(make(), stream, positions));
}

export function concat(...buffers: readonly (Uint8Array | readonly Uint8Array[])[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(buffers.flat() as Uint8Array[]));
}

export function hex(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));
}

/** The code of the WireError that `act` throws, with its first sentence; a test fails when it throws nothing. */
export function refusalOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof WireError && !error.fatal && error.fault === "caller") return error.message;
    throw error;
  }
  return fail("expected a refusal, none came");
}
