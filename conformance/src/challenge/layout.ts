import type { EventClass, Json } from "../protocol.ts";
import type { Draw } from "./draw.ts";
import type { Writer } from "./writer.ts";

/** The limit under which a challenge is put, where its layout has no other. */
export const LIMIT = 1024;

/** A way to break one rule: what is written after good messages, and the rules that it is about. */
export interface Fault {
  readonly name: string;
  readonly rules: readonly string[];
  /** Nothing stands before it. */
  readonly alone?: boolean;
  write(writer: Writer, draw: Draw): void;
}

/** The layout of one profile a second time, by hand from `spec/`: the harness imports no codec. */
export interface Layout {
  readonly profile: string;
  /** Stands before the names of its cases, where a profile has several layouts. */
  readonly kind?: string;
  readonly limit?: number;
  /** Of right messages, in any reads. */
  readonly rules: readonly string[];
  /** Of a stream that ends anywhere. */
  readonly endRules: readonly string[];
  message(writer: Writer, draw: Draw): void;
  /** What may come once, behind all messages. */
  last?(writer: Writer, draw: Draw): void;
  readonly faults: readonly Fault[];
  readonly encodeRules: readonly string[];
  /** Where an encoder has a choice in `message`: one in which it has none. Absent where `message` is that. */
  encoded?(writer: Writer, draw: Draw): void;
  /** A value that an encoder refuses, with the class. A profile that is only received has none. */
  refusal?(draw: Draw): { readonly value: Json; readonly class: EventClass; readonly rules: readonly string[] };
}
