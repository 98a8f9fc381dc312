import { readFileSync } from "node:fs";
import { decode, encode } from "it-length-prefixed";
import type { Uint8ArrayList } from "uint8arraylist";
import { type Decoder, type Found, type Refusal, serve } from "../shims/iut.ts";

// The package exports no package.json.
const manifest = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.resolve("it-length-prefixed")), "utf8"),
) as { readonly name: string; readonly version: string };

// The library's own hook for other prefixes than its varint. A short read is a RangeError, as its decoder asks.
const lengthDecoder = Object.assign((data: Uint8ArrayList) => data.getUint32(0), { bytes: 4 });
const lengthEncoder = Object.assign(
  (length: number) => {
    const prefix = Buffer.alloc(4);
    prefix.writeUInt32BE(length);
    return prefix;
  },
  { bytes: 4 },
);

const WORDS: Readonly<Record<string, string>> = { InvalidDataLengthError: "oversize", UnexpectedEOFError: "eof" };

function refusal(error: unknown): Refusal {
  const { name, message } = error as Error;
  const word = WORDS[name];
  if (word === undefined) throw error;
  return { word, text: message };
}

/** `decode` over a source of one read at a time: a step is done when the decoder asks for the next read. */
class Puller implements Decoder {
  readonly #output: AsyncGenerator<Uint8ArrayList>;
  #wanted = Promise.withResolvers<"wanted">();
  #given = Promise.withResolvers<Buffer | undefined>();
  #next: Promise<IteratorResult<Uint8ArrayList>>;
  #over = false;

  constructor(limit: number) {
    this.#output = decode(this.#source(), { lengthDecoder, maxDataLength: limit }) as AsyncGenerator<Uint8ArrayList>;
    this.#next = this.#output.next();
    this.#next.catch(() => {});
  }

  async *#source(): AsyncGenerator<Uint8Array> {
    for (;;) {
      this.#wanted.resolve("wanted");
      const chunk = await this.#given.promise;
      if (chunk === undefined) return;
      yield chunk;
    }
  }

  feed(chunk: Buffer): Promise<Found[]> {
    return this.#give(chunk);
  }

  end(): Promise<Found[]> {
    return this.#give(undefined);
  }

  async #give(chunk: Buffer | undefined): Promise<Found[]> {
    const found: Found[] = [];
    if (this.#over) return found;
    await this.#wanted.promise;
    const given = this.#given;
    this.#wanted = Promise.withResolvers();
    this.#given = Promise.withResolvers();
    given.resolve(chunk);
    try {
      for (;;) {
        const result = await Promise.race([this.#next, this.#wanted.promise]);
        if (result === "wanted") return found;
        this.#over = result.done === true;
        if (this.#over) return found;
        found.push({ payload: (result.value as Uint8ArrayList).subarray() });
        this.#next = this.#output.next();
        this.#next.catch(() => {});
      }
    } catch (error) {
      this.#over = true;
      return [...found, refusal(error)];
    }
  }
}

await serve({
  iut: { name: manifest.name, version: manifest.version, language: "typescript" },
  granularity: "stage",
  profile: "len32",
  maxFrameLength: 2 ** 32 - 1,
  open: (limit) => new Puller(limit),
  encode(payload, limit) {
    try {
      return Buffer.from(encode.single(payload, { lengthEncoder, maxDataLength: limit }).subarray());
    } catch (error) {
      return refusal(error);
    }
  },
});
