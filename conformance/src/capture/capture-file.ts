import { closeSync, openSync, writeSync } from "node:fs";
import type { ConformanceOptions } from "../options.ts";
import { usable } from "../report/write.ts";
import { Conversation } from "./conversation.ts";
import { enhancedPacket, interfaceDescription, sectionHeader } from "./pcapng.ts";
import type { Endpoint } from "./segment.ts";

/** Ports of the ends that dial, from the first that nobody owns; when they are used up, another address begins. */
const FIRST_PORT = 49_152;
const PORTS = 65_536 - FIRST_PORT;
/** 198.18.0.0/15 is for test beds: 198.18 is whoever dials, 198.19 whoever listens. */
const DIALLER = [198, 18] as const;
const LISTENER: Endpoint["address"] = [198, 19, 0, 1];
/** Where the made-up listeners are, unless told: what tells the profiles apart is the comment of each connection's first packet. */
export const CAPTURE_PORT = 47_100;

export interface CaptureOptions {
  /** Told once when it cannot be written any more, and then nothing more is. Default: it throws. */
  readonly failed?: (error: Error) => void;
  /** Milliseconds since 1970. Default: the system's clock. */
  readonly now?: () => number;
}

/**
 * A pcapng file that is written while things happen: nothing of it is held. The addresses follow from the order in which connections were opened, and
 * are used once each.
 */
export class CaptureFile {
  readonly #file: number;
  readonly #failed: CaptureOptions["failed"];
  readonly #now: () => number;
  /** Connections so far. */
  count = 0;
  #last = 0;
  #closed = false;

  /** Throws `UsageError` where the file cannot be written. */
  constructor(path: string, about: string, { now = clock, failed }: CaptureOptions = {}) {
    this.#now = now;
    this.#failed = failed;
    this.#file = usable(path, () => openSync(path, "w"));
    try {
      usable(path, () => this.#all(sectionHeader("tensorwire", about)));
      usable(path, () => this.#all(interfaceDescription()));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** A connection that has been opened, with comments on its first packet. */
  connection(comments: readonly string[], port = CAPTURE_PORT): Conversation {
    const number = this.count++;
    const host = 1 + Math.floor(number / PORTS);
    const dialler = {
      address: [...DIALLER, host >> 8, host & 0xff] as const,
      port: FIRST_PORT + (number % PORTS),
    };
    const listener = { address: LISTENER, port };
    return new Conversation({ dialler, listener }, (packet, said) => this.#write(packet, said), comments);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#file);
  }

  #write(packet: Uint8Array, comments: readonly string[]): void {
    // A socket may be seen to close when the run is over.
    if (this.#closed) return;
    // A clock that is set back would put packets in front of what they answer.
    this.#last = Math.max(this.#last, Math.floor(1000 * this.#now()));
    try {
      this.#all(enhancedPacket(packet, this.#last, comments));
    } catch (error) {
      if (this.#failed === undefined) throw error;
      // Behind a block that is cut nothing can be read.
      this.close();
      this.#failed(error as Error);
    }
  }

  /** A disk that is nearly full takes a part, and says so only when asked again. */
  #all(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#file, bytes, at);
  }
}

const clock = () => performance.timeOrigin + performance.now();

/** Where `--capture` says to write the connections; undefined without it. */
export function captureOf(
  { capture }: Pick<ConformanceOptions, "capture">,
  { corpus, seed }: { readonly corpus: string; readonly seed: string },
): CaptureFile | undefined {
  if (capture === undefined) return undefined;
  const about = `A conformance run with the corpus ${corpus} and the seed ${seed}. Addresses, ports and sequence numbers are made up.`;
  return new CaptureFile(capture, about);
}
