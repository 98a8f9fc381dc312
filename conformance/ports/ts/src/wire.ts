import type { Answer } from "@tensorwire/conformance/protocol";
import type { Spoken, WireAnswer, WireRequest } from "@tensorwire/conformance/wire";
import { type Address, type Connection, connect, formatAddress, type Listener, listen } from "@tensorwire/transport";
import { CODECS, readLimits } from "./codec.ts";
import { Declined } from "./declined.ts";
import type { Value } from "./ranks/rank.ts";
import { Ranks } from "./ranks/ranks.ts";
import { isRank } from "./ranks/spoken.ts";
import { type OnConnection, Wired } from "./wired.ts";

type Numbered = WireRequest & { readonly seq: number };

/** What is made of a connection, by its role. */
type Open = (name: string, connection: Connection) => OnConnection;

/** A listener, and the connections that have come and that the harness has not asked for. */
interface Waiting {
  readonly listener: Listener;
  readonly open: Open;
  readonly arrived: Connection[];
  arrival: PromiseWithResolvers<void>;
}

/** Level 2 of the reference: its codecs on connections of `@tensorwire/transport`. One for each link. */
export class WireAdapter {
  readonly #listeners = new Map<string, Waiting>();
  readonly #connections = new Map<string, OnConnection>();
  readonly #ranks = new Ranks();

  async handle(request: Numbered): Promise<WireAnswer | Answer> {
    const { seq } = request;
    try {
      return await this.#act(request);
    } catch (error) {
      if (error instanceof Declined) return { op: "declined", seq, reason: error.reason, text: error.message };
      return { op: "errored", seq, text: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
  }

  clear(): void {
    for (const { listener, arrived } of this.#listeners.values()) {
      listener.stop();
      for (const connection of arrived) connection.abort();
    }
    for (const connection of this.#connections.values()) connection.drop();
    this.#ranks.clear();
    this.#listeners.clear();
    this.#connections.clear();
  }

  async #act(request: Numbered): Promise<WireAnswer> {
    const { op, seq } = request;
    if (op === "listen") return { op: "listening", seq, address: await this.#listen(request) };
    if (op === "clear") {
      this.clear();
      return { op: "cleared", seq };
    }
    if (op === "send" && "group" in request) return this.#ranks.send(seq, request.group, request.value as Value);
    if (op === "accept") {
      const waiting = found(this.#listeners, request.listener, "listener");
      while (waiting.arrived.length === 0) await waiting.arrival.promise;
      const arrived = waiting.arrived.shift() as Connection;
      this.#connections.set(request.conn, waiting.open(request.conn, arrived));
    } else if (op === "dial") {
      const open = this.#openAs(request);
      this.#connections.set(request.conn, open(request.conn, await connect(addressOf(request.address))));
    } else {
      await perform(found(this.#connections, request.conn, "connection"), request);
    }
    return found(this.#connections, request.conn, "connection").state(seq);
  }

  async #listen(request: Numbered & { readonly op: "listen" }): Promise<string> {
    const open = this.#openAs(request);
    const waiting = { open, arrived: [] as Connection[], arrival: Promise.withResolvers<void>() };
    const listener = await listen(addressOf(request.address), {
      onConnection: (connection) => {
        waiting.arrived.push(connection);
        waiting.arrival.resolve();
        waiting.arrival = Promise.withResolvers();
      },
    });
    this.#listeners.set(request.listener, Object.assign(waiting, { listener }));
    const text = formatAddress(listener.address);
    return text.slice(text.indexOf(":") + 1).replace("//", "");
  }

  #openAs(request: Numbered & { readonly op: "listen" | "dial" }): Open {
    if (isRank(request)) return this.#ranks.prepare(request);
    const { codec, limits } = codecOf(request);
    return (name, connection) => new Wired(name, connection, codec.decoder(limits), codec.encoder?.(limits));
  }
}

async function perform(wired: OnConnection, request: Numbered): Promise<void> {
  if (request.op === "sync") await wired.sync(request.n, request.end === true);
  else if (request.op === "send" && "conn" in request) await wired.send(request.value, request.count ?? 1);
  else if (request.op === "pause") wired.pause();
  else if (request.op === "resume") wired.resume();
  else if (request.op === "close") await wired.close(request.how);
  else throw new Declined("operation", `no operation is named ${request.op}`);
}

/** r[iut.wire.role] */
function codecOf({ profile, role, limits }: Spoken) {
  if (role !== "peer") throw new Declined("role", `no role on a connection is named ${role}`);
  const codec = CODECS.get(profile);
  if (codec === undefined) throw new Declined("profile", `no profile is named ${profile}`);
  return { codec, limits: readLimits(codec, limits) };
}

/** `HOST:PORT` or a path, as the link has it, in the form of the transport. */
const addressOf = (text: string): Address | string => (text.startsWith("/") ? `unix:${text}` : `tcp://${text}`);

function found<T>(table: ReadonlyMap<string, T>, name: string, what: string): T {
  const value = table.get(name);
  if (value === undefined) throw new Error(`no ${what} is named ${name}`);
  return value;
}

/** The operations of level 2, by which `serve` tells them from a case. */
const OPERATIONS: ReadonlySet<string> = new Set(
  Object.keys({
    listen: 0,
    accept: 0,
    dial: 0,
    sync: 0,
    send: 0,
    pause: 0,
    resume: 0,
    close: 0,
    clear: 0,
  } satisfies Record<WireRequest["op"], 0>),
);

export const isWireRequest = (message: { readonly op: string }): message is Numbered => OPERATIONS.has(message.op);
