import { createRequire } from "node:module";
import { Declined, type Found, serve } from "../shims/iut.ts";

interface FramedTransport {
  readonly inBuf: Buffer;
  write(bytes: Buffer): void;
  flush(): void;
}

/** The part of Thrift's framed transport that is used here: the package has no types. */
interface Framed {
  new (input: undefined, flushed: (frame: Buffer) => void): FramedTransport;
  receiver(took: (frame: FramedTransport) => void, seqid: undefined, maxLength: number): (read: Buffer) => void;
}

const require = createRequire(import.meta.url);
const { TFramedTransport } = require("thrift") as { readonly TFramedTransport: Framed };
const manifest = require("thrift/package.json") as { readonly name: string; readonly version: string };

await serve({
  iut: { name: manifest.name, version: manifest.version, language: "javascript" },
  granularity: "stage",
  profile: "len32",
  // The size is a signed integer.
  maxFrameLength: 2 ** 31 - 1,
  open(limit) {
    if (limit === 0) throw new Declined("limit", "0 is no limit to this library");
    let found: Found[] = [];
    const receive = TFramedTransport.receiver((frame) => found.push({ payload: frame.inBuf }), undefined, limit);
    let over = false;
    return {
      feed(chunk) {
        found = [];
        if (over) return found;
        try {
          receive(chunk);
        } catch (error) {
          over = true; // a server closes the connection
          found.push({ word: "oversize", text: (error as Error).message });
        }
        return found;
      },
      /** The receiver has no end. */
      end: () => [],
    };
  },
  encode(payload) {
    let flushed: Buffer | undefined;
    const transport = new TFramedTransport(undefined, (frame) => {
      flushed = frame;
    });
    transport.write(payload);
    transport.flush();
    if (flushed === undefined) throw new Error("nothing was flushed");
    return flushed;
  },
});
