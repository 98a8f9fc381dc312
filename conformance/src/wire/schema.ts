import accept from "@tensorwire/spec/iut/accept.schema.json";
import clear from "@tensorwire/spec/iut/clear.schema.json";
import cleared from "@tensorwire/spec/iut/cleared.schema.json";
import close from "@tensorwire/spec/iut/close.schema.json";
import dial from "@tensorwire/spec/iut/dial.schema.json";
import listen from "@tensorwire/spec/iut/listen.schema.json";
import listening from "@tensorwire/spec/iut/listening.schema.json";
import pause from "@tensorwire/spec/iut/pause.schema.json";
import send from "@tensorwire/spec/iut/send.schema.json";
import sent from "@tensorwire/spec/iut/sent.schema.json";
import state from "@tensorwire/spec/iut/state.schema.json";
import sync from "@tensorwire/spec/iut/sync.schema.json";
import type { Answer, Granularity } from "../protocol.ts";
import { ajv, checkEvents, checkMessage, explain, ShapeError, shown } from "../schema.ts";
import { ANSWER_OF, isDecoded, type WireAnswer, type WireEvent, type WireRequest } from "./protocol.ts";

const REQUESTS = {
  listen: ajv.compile(listen),
  accept: ajv.compile(accept),
  dial: ajv.compile(dial),
  sync: ajv.compile(sync),
  send: ajv.compile(send),
  pause: ajv.compile(pause),
  resume: ajv.compile(pause),
  close: ajv.compile(close),
  clear: ajv.compile(clear),
} as const;

const ANSWERS = {
  listening: ajv.compile(listening),
  state: ajv.compile(state),
  sent: ajv.compile(sent),
  cleared: ajv.compile(cleared),
} as const;

/** Holds a request of the harness to its schema: what is wrong here is the harness's own fault. Throws `ShapeError`. */
export function checkRequest(request: WireRequest & { readonly seq: number }): void {
  const validate = REQUESTS[request.op];
  if (!validate(request)) throw new ShapeError(explain(request.op, validate.errors));
}

export interface WireContext {
  readonly seq: number;
  /** Of the connection: selects the schema of the values. */
  readonly profile: string;
  readonly granularity: Granularity;
}

export type WireReply = WireAnswer | Extract<Answer, { op: "declined" | "errored" }>;

/** Reads the answer to a request of level 2 in its light; throws `ShapeError`. r[iut.link.schema] r[iut.wire.answers] */
export function readWireAnswer(message: unknown, request: WireRequest, context: WireContext): WireReply {
  try {
    return readInStep(message, request, context);
  } catch (error) {
    if (error instanceof ShapeError) error.inStep = (message as { seq?: unknown } | null)?.seq === context.seq;
    throw error;
  }
}

function readInStep(message: unknown, request: WireRequest, { seq, profile, granularity }: WireContext): WireReply {
  const wanted = "group" in request && request.op === "send" ? "sent" : ANSWER_OF[request.op];
  const op = (message as { op?: unknown } | null)?.op;
  if (op === "declined" || op === "errored") {
    checkMessage(op, message);
  } else if (op === wanted) {
    const validate = ANSWERS[wanted];
    if (!validate(message)) throw new ShapeError(explain(wanted, validate.errors));
  } else {
    throw new ShapeError(`the answer to ${request.op} is "${wanted}", "declined" or "errored"; it is ${shown(op)}`);
  }
  const answer = message as WireReply;
  // r[iut.answer.seq]
  if (answer.seq !== seq) throw new ShapeError(`${answer.op}: seq must be ${seq}; it is ${answer.seq}`);
  if (answer.op !== "state" && answer.op !== "sent") return answer;
  const [field, about] = answer.op === "sent" ? (["group", answer.group] as const) : (["conn", answer.conn] as const);
  const asked = (request as Readonly<Record<string, unknown>>)[field];
  if (about !== asked) {
    throw new ShapeError(`${answer.op}: ${field} must be ${JSON.stringify(asked)}; it is ${JSON.stringify(about)}`);
  }
  const told: readonly WireEvent[] = answer.events;
  const decoded = told.filter(isDecoded);
  checkEvents([decoded], { seq, profile, steps: 1, granularity });
  return answer;
}
