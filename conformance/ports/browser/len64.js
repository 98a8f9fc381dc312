// The codec: frames of `len64`, a length of 8 bytes, big-endian, and a payload. Its own code, with nothing of the reference.
const PREFIX = 8;

class Decoder {
  /** What was refused, and after how many bytes of the stream: nothing comes behind it. */
  error;
  #limit;
  #bytes = new Uint8Array(64);
  #held = 0;
  /** Bytes of the stream in front of those that are held. */
  #before = 0;

  constructor(limit) {
    this.#limit = limit;
  }

  /** The payloads that this read completes. */
  push(chunk) {
    if (this.error) return [];
    this.#hold(chunk);
    const view = new DataView(this.#bytes.buffer);
    const payloads = [];
    let from = 0;
    while (this.#held - from >= PREFIX) {
      const length = view.getBigUint64(from);
      // Judged with the prefix alone, before anything is reserved.
      if (length > this.#limit) {
        this.error = { class: "oversize.declared", at: this.#before + from + PREFIX };
        break;
      }
      const end = from + PREFIX + Number(length);
      if (this.#held < end) break;
      payloads.push(this.#bytes.slice(from + PREFIX, end));
      from = end;
    }
    this.#bytes.copyWithin(0, from, this.#held);
    this.#held -= from;
    this.#before += from;
    return payloads;
  }

  /** The end of the stream: true where it is clean. */
  end() {
    if (!this.error && this.#held > 0) {
      const where = this.#held < PREFIX ? "eof.in-prefix" : "eof.in-body";
      this.error = { class: where, at: this.#before + this.#held };
    }
    return !this.error;
  }

  /** Doubles, so that byte by byte costs no more than all at once. */
  #hold(chunk) {
    const all = this.#held + chunk.length;
    if (all > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(all, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.#held));
      this.#bytes = grown;
    }
    this.#bytes.set(chunk, this.#held);
    this.#held = all;
  }
}

/** A frame; the caller has judged the length. */
function encode(payload) {
  const frame = new Uint8Array(PREFIX + payload.length);
  new DataView(frame.buffer).setBigUint64(0, BigInt(payload.length));
  frame.set(payload, PREFIX);
  return frame;
}

globalThis.len64 = { Decoder, encode };
