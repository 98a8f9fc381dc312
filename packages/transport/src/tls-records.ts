/** What TLS 1.3 adds to the content of a record: its inner type, and the tag that every suite has. */
const OVERHEAD = 17;
const HEADER = 5;
const ENCRYPTED = 23;
/** An alert: level and description. */
const ALERT = 2;

/**
 * Tells the end that a peer meant from a stream that was cut. Bun reports a TLS `close_notify` and a bare TCP FIN the same way, as
 * `end`; but anybody on the way can send a FIN, and a stream that ends early must not look whole. So this counts what goes into the
 * decryption and what comes out: a `close_notify` is a last whole record of 2 bytes that did not come out as data.
 *
 * What is no data (certificates, tickets) has 5 bytes or more and stands in front of the data of its chunk. In two other cases the
 * answer is the careful one, cut: a key update between data in the very chunk that ends the stream; and a sender that pads its
 * `close_notify`, as RFC 8446 allows and no library does unless it is told to. Without its 2 bytes it looks as a ticket does, and to
 * take that for an end would be to believe whoever cuts the stream behind a ticket.
 */
export class TlsRecords {
  #header = 0;
  #type = 0;
  #length = 0;
  /** Bytes of the record's body that are still to come. */
  #missing = 0;
  /** Contents of the encrypted records that ended in the last chunk, in bytes. */
  readonly #contents: number[] = [];
  #given = 0;

  /** Ciphertext, before it is decrypted. All of it that came before has been decrypted by then. */
  take(chunk: Uint8Array): void {
    this.#contents.length = 0;
    this.#given = 0;
    for (let at = 0; at < chunk.length; ) {
      if (this.#missing > 0) {
        const step = Math.min(this.#missing, chunk.length - at);
        at += step;
        this.#missing -= step;
        if (this.#missing === 0) this.#contents.push(this.#type === ENCRYPTED ? this.#length - OVERHEAD : Number.NaN);
        continue;
      }
      const byte = chunk[at++]!;
      if (this.#header === 0) this.#type = byte;
      else if (this.#header === 3) this.#length = byte << 8;
      else if (this.#header === 4) this.#length |= byte;
      this.#header = (this.#header + 1) % HEADER;
      if (this.#header === 0) this.#missing = this.#length;
    }
  }

  /** Bytes that came out as data. */
  gave(length: number): void {
    this.#given += length;
  }

  /** True when the last thing that came was the peer's `close_notify`. */
  get closed(): boolean {
    const contents = this.#contents;
    if (this.#header > 0 || this.#missing > 0 || contents.at(-1) !== ALERT) return false;
    let before = 0;
    for (let i = contents.length - 2; i >= 0 && before < this.#given; i--) before += contents[i]!;
    return before === this.#given;
  }
}
