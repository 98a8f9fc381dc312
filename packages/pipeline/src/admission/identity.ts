import type { Hello, Role } from "@tensorwire/tp-control";

/** What a rank says of itself to whoever is at the other end. Fields as in `Hello`. */
export interface Identity {
  readonly job: string;
  readonly role: Role;
  readonly rank: number;
  readonly plan: string;
  /** SHA-256, 32 bytes. Not compared unless told. */
  readonly weights_digest?: Uint8Array;
  /** 16 random bytes. Those of this process unless told. */
  readonly instance?: Uint8Array;
}

/** Another rank, by its name. */
export interface Peer {
  readonly role: Role;
  readonly rank: number;
}

/** r[link.hello.instance] */
const PROCESS = crypto.getRandomValues(new Uint8Array(16));
const NO_DIGEST = new Uint8Array(0);

/** What `identity` says to a rank, on one of its lanes. */
export function helloTo(identity: Identity, peer_rank: number, lane: number): Hello {
  return { weights_digest: NO_DIGEST, instance: PROCESS, ...identity, peer_rank, lane };
}
