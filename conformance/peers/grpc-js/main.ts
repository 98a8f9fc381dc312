import type { Channel } from "@grpc/grpc-js";
import { CompressionFilterFactory } from "@grpc/grpc-js/build/src/compression-filter.js";
import { StreamDecoder } from "@grpc/grpc-js/build/src/stream-decoder.js";
import manifest from "@grpc/grpc-js/package.json" with { type: "json" };
import { type Decoder, type Found, serve } from "../shims/iut.ts";

/**
 * What stands between a call's DATA frames and its messages: the stream decoder, and the filter that judges the flag. A call
 * that met an error reads no more.
 */
class CallReader implements Decoder {
  readonly #decoder: StreamDecoder;
  readonly #filter = filter(-1);
  #over = false;

  constructor(limit: number) {
    this.#decoder = new StreamDecoder(limit);
  }

  async feed(chunk: Buffer): Promise<Found[]> {
    const found: Found[] = [];
    if (this.#over) return found;
    try {
      for (const framed of this.#decoder.write(chunk)) {
        found.push({ flag: framed[0] ?? 0, payload: await this.#filter.receiveMessage(Promise.resolve(framed)) });
      }
    } catch (error) {
      this.#over = true;
      const { message: text } = error as Error;
      found.push({ word: text.includes("larger than max") ? "oversize.declared" : "codec.unsupported", text });
    }
    return found;
  }

  /** The stream decoder has no end, and a call asks it for none. */
  end(): Found[] {
    return [];
  }
}

function filter(maxSendMessageLength: number) {
  const options = { "grpc.max_send_message_length": maxSendMessageLength };
  return new CompressionFilterFactory({} as Channel, options).createFilter();
}

await serve({
  iut: { name: manifest.name, version: manifest.version, language: "typescript" },
  granularity: "class",
  profile: "grpc-lpm",
  maxFrameLength: 2 ** 32 - 1,
  open: (limit) => new CallReader(limit),
  async encode(payload, limit) {
    try {
      return (await filter(limit).sendMessage(Promise.resolve({ message: payload }))).message;
    } catch (error) {
      return { word: "oversize.declared", text: (error as { details: string }).details };
    }
  },
});
