import type { WireError } from "@tensorwire/framing";

/** A message that went by. */
export interface Passed {
  /** Where it begins and ends in the stream of its direction; behind a handshake, of the protocol. */
  readonly from: number;
  readonly to: number;
  /** `frame`, `message`, `NOOP`, `INFER`, `SHUTDOWN`, `result`, `hello`. */
  readonly kind: string;
  /** Ids, tags and sizes, by their names. */
  readonly about: Readonly<Record<string, string | number | boolean>>;
  /** A session does not deliver it: its call_id was the last one's. */
  readonly dropped?: true;
}

export interface Heard {
  readonly passed: readonly Passed[];
  /** Fatal: nothing is decoded behind it. */
  readonly error: WireError | null;
}

/** Follows one direction of a connection. Bytes in, messages out: it keeps no chunk, and at most a message that is not whole. */
export interface Listener {
  push(chunk: Uint8Array): Heard;
  /** The end of the stream. */
  end(): WireError | null;
  /** What is worth saying at the end, though nothing is broken. */
  readonly remark: string | undefined;
  /** The rules of an error that no vector knows. */
  rulesOf?(error: WireError): readonly string[] | undefined;
}

/** What to judge by. */
export interface TapLimits {
  readonly maxFrameLength?: number;
}
