import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Answer, CaseRequest, Event, Hello, Json } from "../src/protocol.ts";
import type { Spoken, WireAnswer, WireRequest } from "../src/wire/protocol.ts";
import { encoded, HonestRank, type Owner, type Request } from "./honest-rank.ts";
import { wireHello } from "./honest-wire.ts";

/** An IUT that leads a TP group, works in one and is a stage, rightly: what the liars of ranks differ from in one point. It drives nothing. */
export const ranksHello: Hello = {
  ...wireHello,
  profiles: { "tp-session": { roles: ["decode"] }, "pp-session": { roles: ["decode"] } },
  capabilities: ["wire", "ranks"],
};

type Numbered = WireRequest & { readonly seq: number };
type Reply = WireAnswer | Answer;
type Result = { readonly call_id: string; readonly chunk_index: string; readonly cache_epoch: string };

interface Listening {
  readonly server: Server;
  readonly spoken: Spoken;
  readonly sockets: Socket[];
  arrival: PromiseWithResolvers<void>;
}

const IDS = ["call_id", "chunk_index", "cache_epoch"] as const;

const refused = (word: string): Event => ({ event: "error", class: word, at: "0", fatal: false });

/** As a worker sees it, but for a message that comes again. r[iut.rank.ids] */
const follows = (next: Request["header"], last: Request["header"]) =>
  BigInt(next.call_id) > BigInt(last.call_id) && BigInt(next.control_epoch) === BigInt(last.control_epoch) + 1n;

export abstract class HonestRanks implements Owner {
  readonly ranks = new Map<string, HonestRank>();
  /** By stage: the calls that it owes a result. */
  readonly owed = new Map<HonestRank, Result[]>();
  readonly #listening = new Map<string, Listening>();

  /** The codec of the link check: none of its own, since the ranks are what it is about. */
  abstract decode(request: CaseRequest): Answer;

  async handle(request: CaseRequest | Numbered): Promise<Reply> {
    const { op, seq } = request;
    if (op === "case") return this.decode(request);
    if (op === "clear") {
      this.clear();
      return { op: "cleared", seq };
    }
    if ("role" in request && !["tp-leader", "tp-worker", "pp-stage"].includes(request.role)) {
      return { op: "declined", seq, reason: "role" };
    }
    if ("identity" in request) return { op: "declined", seq, reason: "operation" };
    if (op === "listen") return this.listen(request);
    if (op === "send" && "group" in request) {
      return { op: "sent", seq, group: request.group, events: await this.broadcast(request.group, request.value) };
    }
    if (!("conn" in request)) return { op: "declined", seq, reason: "operation" };
    const { conn } = request;
    if (op === "accept") {
      const { spoken, sockets, arrival } = this.#listening.get(request.listener) as Listening;
      if (sockets.length === 0) await arrival.promise;
      this.ranks.set(conn, new HonestRank(sockets.shift() as Socket, spoken, this));
    } else if (op === "dial") {
      const [host = "", port = ""] = request.address.split(":");
      const socket = connect({ host, port: Number(port), allowHalfOpen: true });
      await once(socket, "connect");
      this.ranks.set(conn, new HonestRank(socket, request, this));
    }
    const rank = this.ranks.get(conn) as HonestRank;
    if (op === "sync") await rank.sync(request.n, request.end === true);
    if (op === "send") this.answer(rank, request.value);
    await new Promise((resolve) => setImmediate(resolve));
    return rank.state(seq, conn);
  }

  groupOf(group: string | undefined): HonestRank[] {
    if (group === undefined) return [];
    return [...this.ranks.values()].filter(({ spoken }) => spoken.role === "tp-leader" && spoken.group === group);
  }

  /** All is encoded before the first byte leaves. */
  async broadcast(group: string, value: Json): Promise<Event[]> {
    const { header } = value as unknown as Request;
    const bytes = encoded("tp", value);
    if ("event" in bytes) return [bytes];
    const last = this.groupOf(group).find((rank) => rank.last !== undefined)?.last;
    if (last !== undefined && !follows(header, last)) return [refused("sequence")];
    this.pass(group, bytes, header);
    await new Promise((resolve) => setImmediate(resolve));
    return [];
  }

  pass(group: string | undefined, bytes: Buffer, header: Request["header"]): void {
    for (const rank of this.groupOf(group)) {
      if (rank.over || rank.closed) continue;
      rank.last = header;
      rank.send(bytes);
      if (header.action === "SHUTDOWN") rank.end();
    }
  }

  /** Tensors that are shown by their digest alone are none that this one could pass on. */
  taken(rank: HonestRank, { header, tensor_specs = [], tensors = [] }: Request): void {
    const { role, group } = rank.spoken;
    const { action, call_id, chunk_index, cache_epoch } = header;
    if (Array.isArray(tensors) && tensors.some((bytes) => typeof bytes !== "string")) rank.lose();
    if (role === "pp-stage" && !rank.over) {
      const manifest = { tp_envelope_version: 1, tensor_specs, kwargs: {} };
      const message = { header: header as unknown as Json, ...(action === "INFER" ? { manifest, tensors } : {}) };
      this.pass(group, encoded("tp", message as Json) as Buffer, header);
      if (action === "INFER") this.owes(rank).push({ call_id, chunk_index, cache_epoch });
    }
    if (action === "SHUTDOWN" && this.owes(rank).length === 0) rank.end();
  }

  owes(rank: HonestRank): Result[] {
    const list = this.owed.get(rank) ?? [];
    this.owed.set(rank, list);
    return list;
  }

  answer(stage: HonestRank, value: Json): void {
    const due = this.owes(stage).shift();
    if (due === undefined) return void stage.events.push(refused("state"));
    const ids = value as unknown as Result;
    const answers = IDS.every((name) => ids[name] === due[name]);
    const bytes = answers ? encoded("pp-result", value) : refused("header.field");
    if ("event" in bytes) stage.events.push(bytes);
    stage.send("event" in bytes ? this.failed(due, "the result cannot be sent") : bytes);
    if (stage.last?.action === "SHUTDOWN" && this.owes(stage).length === 0) stage.end();
  }

  failed(due: Result, error_message: string): Buffer {
    const rest = { observed_generator_calls: 0, mesh_current_start_frame: "0", tensor_specs: [], tensors: [] };
    return encoded("pp-result", { pp_result_version: 1, ...due, ...rest, ok: false, error_message }) as Buffer;
  }

  lost(rank: HonestRank): void {
    const { role, group } = rank.spoken;
    // What a lost upstream was owed is owed no more.
    this.owed.delete(rank);
    for (const other of this.groupOf(group)) other.release();
    if (role !== "tp-leader" || group === undefined) return;
    for (const stage of this.ranks.values()) {
      if (stage.spoken.role !== "pp-stage" || stage.spoken.group !== group || stage.over || stage.closed) continue;
      for (const due of this.owes(stage).splice(0)) stage.send(this.failed(due, "a worker is lost"));
      stage.end();
    }
  }

  clear(): void {
    for (const { server, sockets } of this.#listening.values()) {
      server.close();
      for (const socket of sockets) socket.destroy();
    }
    for (const rank of this.ranks.values()) rank.drop();
    this.#listening.clear();
    this.ranks.clear();
    this.owed.clear();
  }

  async listen({ seq, listener, address, ...spoken }: Numbered & { op: "listen" }): Promise<Reply> {
    if (address.startsWith("/")) return { op: "declined", seq, reason: "operation" };
    const sockets: Socket[] = [];
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      sockets.push(socket);
      waiting.arrival.resolve();
      waiting.arrival = Promise.withResolvers();
    }).listen(0, "127.0.0.1");
    const waiting: Listening = { server, spoken, sockets, arrival: Promise.withResolvers() };
    await once(server, "listening");
    this.#listening.set(listener, waiting);
    return { op: "listening", seq, address: `127.0.0.1:${(server.address() as { port: number }).port}` };
  }
}
