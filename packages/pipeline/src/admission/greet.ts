import { WireError } from "@tensorwire/framing";
import { peerFault } from "@tensorwire/tensor-spec";
import { judgeHello, prepareHello } from "@tensorwire/tp-control";
import type { Connection } from "@tensorwire/transport";
import { messageOf } from "../stage-lost.ts";
import { helloTo, type Identity, type Peer } from "./identity.ts";
import { drop, HandshakeDeadline, type HandshakeOptions, receiveHello } from "./receive-hello.ts";
import type { Roster } from "./roster.ts";
import { withBytesFirst } from "./with-bytes-first.ts";

export interface GreetOptions extends HandshakeOptions {
  /** 0 unless told. */
  readonly lane?: number;
  /** Holds the lanes to one peer to one process. None unless told. */
  readonly roster?: Roster;
}

/**
 * The dialler's side of the handshake: says who this is, and makes sure who answers. Resolves with the connection for the protocol.
 *
 * @throws WireError after the connection was dropped: `transport.refused` when the peer closed without a word, the class of
 *   `spec/handshake.md` when this side refuses the answer, `transport.deadline`.
 */
export async function greet(
  connection: Connection,
  identity: Identity,
  to: Peer,
  options: GreetOptions = {},
): Promise<Connection> {
  try {
    return await exchange(connection, identity, to, options);
  } catch (why) {
    throw drop(connection, why);
  }
}

async function exchange(
  connection: Connection,
  identity: Identity,
  to: Peer,
  { lane = 0, roster, ...options }: GreetOptions,
): Promise<Connection> {
  const deadline = new HandshakeDeadline(options);
  const own = helloTo(identity, to.rank, lane);
  // r[link.hello.first]: what follows is the caller's, who gets the connection when the answer is accepted.
  const hello = prepareHello(own);
  await connection.write([hello], deadline.leftMs).catch(() => {
    // A peer that has refused already may have reset the connection: the read below says how it stands.
  });
  const answer = await receiveHello(connection, deadline);
  if (answer === null) {
    const { job, role, rank } = own;
    const who = `${role} ${rank} of job ${JSON.stringify(job)}`;
    const cause = await failureOf(connection);
    const how = cause === null ? "" : `; ${messageOf(cause)}`;
    const message = `expected the Hello of ${to.role} ${to.rank}, it closed the connection: it does not take ${who} on lane ${lane}, and its own report says why${how}`;
    throw new WireError({ code: "transport.refused", message, fault: "transport", cause: cause ?? undefined });
  }
  const { hello: theirs, rest, at } = answer;
  const blame = peerFault(at);
  if (theirs.role !== to.role) throw blame("header.field", `Hello.role: expected ${to.role}, ${theirs.role} came`);
  judgeHello(own, theirs, blame);
  const release = roster?.hold(theirs, blame);
  if (release !== undefined) void connection.closed.then(release);
  return withBytesFirst(connection, rest);
}

/** How a connection has failed, if it has: over TLS it says whether it may have been the certificate. */
function failureOf(connection: Connection): Promise<WireError | null> {
  const inOrder = new Promise<null>((resolve) => setImmediate(resolve, null));
  return Promise.race([connection.closed.then(({ error }) => error), inOrder]);
}
