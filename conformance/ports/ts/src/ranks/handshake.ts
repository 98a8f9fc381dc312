import type { Spoken } from "@tensorwire/conformance/wire";
import { WireError } from "@tensorwire/framing";
import { Admission, greet, type Identity } from "@tensorwire/pipeline/ranks";
import { complementsOf } from "@tensorwire/tp-control";
import type { Connection } from "@tensorwire/transport";

/** What the IUT says of itself, as the harness has it. */
type Given = NonNullable<Spoken["identity"]>;
/** Makes a connection the protocol's; rejects when the handshake refuses the peer. */
export type Handshake = (connection: Connection) => Promise<Connection>;

/** Above any lane that the harness asks for. */
const MAX_LANES = 64;

const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));

const identityOf = ({ job, role, rank, plan, weights_digest, instance }: Given): Identity => ({
  ...{ job, role, rank, plan },
  weights_digest: bytes(weights_digest),
  instance: bytes(instance),
});

/** One for each listener, or for each connection that is dialled. r[iut.rank.handshake] */
export function handshakeOf(given: Given | undefined, dials: boolean, deadlineMs: number | undefined): Handshake {
  if (given === undefined) return async (connection) => connection;
  const identity = identityOf(given);
  const waits = deadlineMs === undefined ? {} : { deadlineMs };
  const roles = complementsOf(given.role);
  if (dials) {
    // A stage dials the stage behind it, as all others dial the one role that there is.
    const peer = { role: roles.at(-1) ?? given.role, rank: given.peer_rank };
    return (connection) => greet(connection, identity, peer, { ...waits, lane: given.lane });
  }
  const peers = roles.map((role) => ({ role, rank: given.peer_rank }));
  const admission = new Admission(identity, peers, { ...waits, maxLanes: MAX_LANES });
  return async (connection) => {
    const admitted = await admission.admit(connection);
    if (admitted !== null) return admitted.connection;
    throw new WireError({ code: "transport.closed", message: "the peer ended before its Hello", fault: "transport" });
  };
}
