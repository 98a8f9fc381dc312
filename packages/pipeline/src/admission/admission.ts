import { WireError } from "@tensorwire/framing";
import { peerFault } from "@tensorwire/tensor-spec";
import { type Hello, judgeHello, prepareHello } from "@tensorwire/tp-control";
import type { Connection } from "@tensorwire/transport";
import { helloTo, type Identity, type Peer } from "./identity.ts";
import { drop, HandshakeDeadline, type HandshakeOptions, receiveHello } from "./receive-hello.ts";
import { Roster } from "./roster.ts";
import { withBytesFirst } from "./with-bytes-first.ts";

/** Connections that a listener holds without knowing whose they are. r[link.hello.pending] */
export const DEFAULT_MAX_PENDING = 64;

export interface AdmissionOptions extends HandshakeOptions {
  /** Connections that are not yet admitted; one more is dropped at once. 64 unless told. */
  readonly maxPending?: number;
  /** Lanes that each peer may have: 0 to one below. 1 unless told. */
  readonly maxLanes?: number;
}

/** A peer that was let in. */
export interface Admitted {
  /** For the protocol: what came behind the Hello is read first. */
  readonly connection: Connection;
  readonly hello: Hello;
}

/** The listener's side of the handshake: lets in the peers that this rank waits for, and nobody else. */
export class Admission {
  readonly #identity: Identity;
  readonly #peers: readonly Peer[];
  readonly #options: AdmissionOptions;
  readonly #roster = new Roster();
  #pending = 0;

  /** @throws WireError refusal when the identity cannot be said. */
  constructor(identity: Identity, peers: readonly Peer[], options: AdmissionOptions = {}) {
    this.#identity = identity;
    this.#peers = peers;
    this.#options = options;
    prepareHello(helloTo(identity, 0, 0));
  }

  /** Connections whose Hello is awaited. */
  get pending(): number {
    return this.#pending;
  }

  /**
   * Resolves with the peer when it is let in, and with null when the connection ended before its first byte, as a port probe's
   * does. A peer that is not let in gets no byte. r[link.hello.refusal]
   *
   * @throws WireError after the connection was dropped: the class of `spec/handshake.md`, `transport.deadline`, or `transport.full`
   *   when too many wait.
   */
  async admit(connection: Connection): Promise<Admitted | null> {
    const { maxPending = DEFAULT_MAX_PENDING } = this.#options;
    this.#pending++;
    try {
      if (this.#pending > maxPending) {
        const message = `expected at most ${maxPending} connections that are not yet admitted, one more came`;
        throw new WireError({ code: "transport.full", message, fault: "transport" });
      }
      return await this.#exchange(connection);
    } catch (why) {
      throw drop(connection, why);
    } finally {
      this.#pending--;
    }
  }

  async #exchange(connection: Connection): Promise<Admitted | null> {
    const deadline = new HandshakeDeadline(this.#options);
    const received = await receiveHello(connection, deadline);
    if (received === null) {
      connection.abort("it ended before its Hello");
      return null;
    }
    const { hello, rest, at } = received;
    const own = this.#judge(hello, at);
    const release = this.#roster.hold(hello, peerFault(at));
    void connection.closed.then(release);
    // r[link.hello.answer]
    await connection.write([prepareHello(own)], deadline.leftMs);
    return { connection: withBytesFirst(connection, rest), hello };
  }

  /** What this rank answers to a Hello that it takes. */
  #judge(theirs: Hello, at: number): Hello {
    const blame = peerFault(at);
    const { maxLanes = 1 } = this.#options;
    // First the job, so that what is told of a stranger is that it is one.
    const own = helloTo(this.#identity, theirs.rank, theirs.lane);
    judgeHello(own, theirs, blame);
    if (!this.#peers.some(({ role, rank }) => role === theirs.role && rank === theirs.rank)) {
      const expected = this.#peers.map(({ role, rank }) => `${role} ${rank}`).join(" or ");
      throw blame("header.field", `Hello.rank: expected ${expected}, ${theirs.role} ${theirs.rank} came`);
    }
    // r[link.hello.lane]
    if (theirs.lane >= maxLanes) {
      throw blame("header.field", `Hello.lane: expected below ${maxLanes}, ${theirs.lane} came`);
    }
    return own;
  }
}
