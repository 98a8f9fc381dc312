import { FrameDecoder, FrameEncoder, refusal, WireError } from "@tensorwire/framing";
import linkProto from "@tensorwire/spec/proto/link.proto" with { type: "text" };
import { type Blame, peerFault, show } from "@tensorwire/tensor-spec";
import { versionedCodec } from "./body.ts";
import type { Decoded } from "./header-decoder.ts";
import { loadProtos, type ProtoCodec } from "./proto-codec.ts";

/** The version of `Hello` that this implementation speaks. */
export const HELLO_VERSION = 1;
/** Bytes of the largest payload. r[link.hello.limit] */
export const MAX_HELLO_LENGTH = 4096;
const MAX_JOB_LENGTH = 128;
const DIGEST_LENGTH = 32;
const INSTANCE_LENGTH = 16;

/** r[link.hello.role] */
const COMPLEMENTS = {
  TP_LEADER: ["TP_WORKER"],
  TP_WORKER: ["TP_LEADER"],
  PP_DRIVER: ["PP_STAGE"],
  PP_STAGE: ["PP_DRIVER", "PP_STAGE"],
} as const satisfies Record<string, readonly string[]>;

/** What a rank is in the protocol behind the handshake. */
export type Role = keyof typeof COMPLEMENTS;

/** The roles that may be at the other end of a connection of `role`. */
export function complementsOf(role: Role): readonly Role[] {
  return COMPLEMENTS[role];
}

/** What a rank says of itself before TP or PP begins. Rules: `spec/handshake.md`. */
export interface Hello {
  /** Names the job: 1 to 128 bytes of UTF-8. */
  readonly job: string;
  /** The sender's own, as is `rank`. */
  readonly role: Role;
  readonly rank: number;
  /** Whom the sender wants to reach. */
  readonly peer_rank: number;
  /** What all ranks of the job must have the same. */
  readonly plan: string;
  /** SHA-256, 32 bytes, or empty: not compared. */
  readonly weights_digest: Uint8Array;
  /** 16 random bytes of the sending process. */
  readonly instance: Uint8Array;
  /** Which of several connections between the same two ranks. */
  readonly lane: number;
}

type WireHello = Hello & { readonly hello_version: number };

const helloCodec: ProtoCodec<WireHello> = loadProtos([linkProto])("tensorwire.link.v1.Hello");
const frames = new FrameEncoder("len64", { maxFrameLength: MAX_HELLO_LENGTH });

/**
 * The whole frame of a Hello. r[link.hello.layout] r[link.hello.encode]
 *
 * @throws WireError refusals `header.field`, by the field's path, and `oversize.declared`.
 */
export function prepareHello(hello: Hello): Uint8Array {
  const payload = helloCodec.encode({ ...hello, hello_version: HELLO_VERSION });
  checkHello(hello, refusal);
  const frame = new Uint8Array(frames.prefixSize + payload.length);
  frame.set(payload, frames.writePrefix(frame, 0, payload.length));
  return frame;
}

/**
 * Judges a peer's Hello against what this side says, or would say, to that peer.
 *
 * @throws WireError `header.field`, made by `blame`, that says what was expected and what came. r[link.hello.refusal.told]
 */
export function judgeHello(own: Hello, theirs: Hello, blame: Blame): void {
  const expect = (field: keyof Hello, expected: string | number, came: string | number) => {
    if (expected !== came)
      throw blame("header.field", `Hello.${field}: expected ${show(expected)}, ${show(came)} came`);
  };
  // r[link.hello.job]
  expect("job", own.job, theirs.job);
  // r[link.hello.role]
  const roles = complementsOf(own.role);
  if (!roles.includes(theirs.role)) {
    throw blame("header.field", `Hello.role: expected ${roles.join(" or ")} beside ${own.role}, ${theirs.role} came`);
  }
  // r[link.hello.rank]
  expect("rank", own.peer_rank, theirs.rank);
  expect("peer_rank", own.rank, theirs.peer_rank);
  // r[link.hello.plan]
  expect("plan", own.plan, theirs.plan);
  // r[link.hello.weights]
  if (own.weights_digest.length > 0 && theirs.weights_digest.length > 0) {
    expect("weights_digest", own.weights_digest.toHex(), theirs.weights_digest.toHex());
  }
  // r[link.hello.lane]
  expect("lane", own.lane, theirs.lane);
}

/** What one `push` of a HelloDecoder made: at most one Hello, ever. */
export interface DecodedHello extends Decoded<Hello> {
  /** What is left of the chunk behind the Hello, untouched: it belongs to the protocol. r[link.hello.behind] */
  readonly rest: Uint8Array;
}

/** Reads the one Hello at the beginning of a connection. */
export class HelloDecoder {
  readonly #frames = new FrameDecoder("len64", { maxFrameLength: MAX_HELLO_LENGTH });
  #done = false;
  #error: WireError | null = null;

  /** The fatal error, once there is one. */
  get error(): WireError | null {
    return this.#error;
  }

  /** Bytes read of the Hello, its prefix included. */
  get offset(): number {
    return this.#frames.offset;
  }

  /**
   * Reads a chunk, cut wherever it may be; behind the Hello it takes nothing more. Never throws for a peer's bytes.
   *
   * @throws WireError `state` after `end()`: the caller's fault.
   */
  push(chunk: Uint8Array): DecodedHello {
    const messages: Hello[] = [];
    const batch = this.#frames.push(chunk, 0, this.#done || this.#error !== null ? 0 : 1);
    const rest = chunk.subarray(batch.consumed);
    // r[link.hello.limit]
    this.#error ??= batch.error;
    if (batch.count > 0) {
      this.#done = true;
      try {
        // r[link.hello.judged] r[link.hello.offsets]
        messages.push(readHello(batch.view(0), peerFault(batch.at(0))));
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        this.#error = error;
      }
    }
    return { messages, rest, error: this.#error };
  }

  /** The stream ended: null before the first byte and behind the Hello, else the error that names the place. r[link.hello.cut] */
  end(): WireError | null {
    const cut = this.#frames.end();
    this.#error ??= cut;
    return this.#error;
  }
}

function readHello(payload: Uint8Array, blame: Blame): Hello {
  // r[link.hello.version-first]
  const { version } = versionedCodec.decode(payload, blame);
  // r[link.hello.version]
  if (version !== HELLO_VERSION) {
    throw blame("version", `expected version ${HELLO_VERSION} of ${helloCodec.name}, ${version} came`);
  }
  // r[link.hello.message] r[link.hello.unknown-fields]
  const { hello_version: _, ...wire } = helloCodec.decode(payload, blame);
  checkHello(wire, blame);
  // The decoder's bytes are borrowed.
  return { ...wire, weights_digest: Uint8Array.from(wire.weights_digest), instance: Uint8Array.from(wire.instance) };
}

/** What a Hello must be by itself, whoever reads it. */
function checkHello({ job, role, weights_digest, instance }: Hello, blame: Blame): void {
  const wrong = (field: keyof Hello, expected: string, came: unknown) =>
    blame("header.field", `Hello.${field}: expected ${expected}, ${came} came`);
  // r[link.hello.job]
  const { length } = new TextEncoder().encode(job);
  if (length < 1 || length > MAX_JOB_LENGTH) throw wrong("job", `1 to ${MAX_JOB_LENGTH} bytes`, length);
  // r[link.hello.role]: a number that has no name stays one.
  if (!Object.hasOwn(COMPLEMENTS, role)) throw wrong("role", Object.keys(COMPLEMENTS).join(" or "), role);
  // r[link.hello.weights]
  if (![0, DIGEST_LENGTH].includes(weights_digest.length)) {
    throw wrong("weights_digest", `${DIGEST_LENGTH} bytes or none`, weights_digest.length);
  }
  // r[link.hello.instance]
  if (instance.length !== INSTANCE_LENGTH) throw wrong("instance", `${INSTANCE_LENGTH} bytes`, instance.length);
}
