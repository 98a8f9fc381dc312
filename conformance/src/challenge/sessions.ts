import type { EventClass } from "../protocol.ts";
import { type Content, drawEnvelope, drawManifest } from "./contents.ts";
import type { Draw } from "./draw.ts";
import { messageOf, putFrame } from "./frame.ts";
import { ACTIONS, type Action, HEADER, type Ids, putHeader, shownHeader } from "./header.ts";
import { LIMIT } from "./infer.ts";
import type { Fault, Layout } from "./layout.ts";
import { BODY, bigEndian, PREFIX, type Writer } from "./writer.ts";

/** What a connection has said so far. */
interface Past {
  /** Of the last message that counts; undefined before the first. */
  last: Ids | undefined;
  /** Of the last INFER. */
  infer: { readonly chunk: bigint; readonly cache: bigint } | undefined;
}

const PASTS = new WeakMap<Writer, Past>();

function pastOf(writer: Writer): Past {
  const known = PASTS.get(writer);
  if (known !== undefined) return known;
  const past: Past = { last: undefined, infer: undefined };
  PASTS.set(writer, past);
  return past;
}

/** From 0, as often small as beyond what a double holds; far from the end of int64. */
const drawCount = (draw: Draw) => draw.word(8) >> BigInt(draw.integer(2, 62));

/** Ids that a session takes now. r[tp-session.call-id.increasing] r[tp-session.control-epoch.step] r[tp-session.cache-epoch.step] */
function drawNext({ last, infer }: Past, draw: Draw, action: Action): Ids {
  const ids =
    last === undefined
      ? { call_id: 1n + drawCount(draw), control_epoch: drawCount(draw), cache_epoch: drawCount(draw) }
      : {
          call_id: last.call_id + 1n + (draw.chance(50) ? 0n : draw.word(7) >> BigInt(draw.integer(0, 50))),
          control_epoch: last.control_epoch + 1n,
          cache_epoch: last.cache_epoch + (draw.chance(30) ? 1n : 0n),
        };
  // r[tp-session.chunk-index.infer-only] r[tp-session.chunk-index.hard-cut]
  const least = infer !== undefined && infer.cache === ids.cache_epoch ? infer.chunk : 0n;
  const chunk_index = action === "INFER" ? least + BigInt(draw.integer(0, 3)) : BigInt.asIntN(64, draw.word(8));
  return { ...ids, chunk_index };
}

const afterCut = ({ infer }: Past, ids: Ids) => infer === undefined || infer.cache !== ids.cache_epoch;

export function sessions(protocol: "tp" | "pp"): Layout {
  const profile = `${protocol}-session`;
  const rule = (name: string) => `${profile}.${name}`;
  const drawBody = (draw: Draw, ids: Ids, init: boolean, video?: boolean): Content => {
    const wanted = { init, ...(video !== undefined && { video }) };
    return protocol === "tp" ? drawManifest(draw, wanted) : drawEnvelope(draw, ids, wanted);
  };
  const count = (writer: Writer, ids: Ids, action: Action) => {
    const past = pastOf(writer);
    past.last = ids;
    if (action === "INFER") past.infer = { chunk: ids.chunk_index, cache: ids.cache_epoch };
  };
  const put = (writer: Writer, draw: Draw, action: Action) => {
    const past = pastOf(writer);
    const ids = drawNext(past, draw, action);
    putHeader(writer, ids, ACTIONS[action]);
    if (action === "INFER") {
      const content = drawBody(draw, ids, afterCut(past, ids));
      putFrame(writer, content).message(messageOf(content, ids));
    } else {
      writer.message({ header: shownHeader(ids, action) });
    }
    count(writer, ids, action);
  };
  /** The call_id of the message before, and nothing else that is judged. r[tp-session.call-id.duplicate] */
  const putDuplicate = (writer: Writer, draw: Draw, { call_id }: Ids) => {
    const word = () => BigInt.asIntN(64, draw.word(8));
    const ids = { call_id, chunk_index: word(), control_epoch: word(), cache_epoch: word() };
    const action = draw.pick(["NOOP", "INFER", "SHUTDOWN"] as const);
    putHeader(writer, ids, ACTIONS[action]);
    if (action === "INFER" && draw.chance(50)) putFrame(writer, drawBody(draw, ids, draw.chance(50)));
    else if (action === "INFER") {
      const body = draw.bytes(draw.integer(0, 40));
      writer.put("length", bigEndian(body.length, 8), PREFIX).put("record_length", body, BODY);
    }
    writer.dropped();
  };
  const message = (writer: Writer, draw: Draw) => {
    const { last } = pastOf(writer);
    if (last !== undefined && draw.chance(25)) putDuplicate(writer, draw, last);
    else put(writer, draw, draw.chance(50) ? "INFER" : "NOOP");
  };
  /** Ids that would be right but for what `bend` makes of them; decided by the header alone. */
  const wrong = (
    name: string,
    rules: readonly string[],
    action: Action | undefined,
    bend: (ids: Ids, past: Past & { readonly last: Ids }, draw: Draw) => Partial<Ids>,
    before: Action = "NOOP",
  ): Fault => ({
    name,
    rules,
    write: (writer, draw) => {
      put(writer, draw, before);
      const past = pastOf(writer);
      const said = action ?? draw.pick(["NOOP", "INFER", "SHUTDOWN"] as const);
      const ids = drawNext(past, draw, said);
      putHeader(writer, { ...ids, ...bend(ids, past as Past & { last: Ids }, draw) }, ACTIONS[said]).error("sequence");
      writer.put(said === "INFER" ? "length" : "call_id", draw.bytes(draw.integer(0, 45)), PREFIX);
    },
  });
  const first = (name: string, rules: readonly string[], bend: (draw: Draw) => Partial<Ids>): Fault => ({
    ...{ name, rules },
    // Behind another message its value would be no more than a step that is wrong.
    alone: true,
    write: (writer, draw) => {
      putHeader(writer, { ...drawNext(pastOf(writer), draw, "NOOP"), ...bend(draw) }, 0n).error("sequence");
    },
  });
  const control = protocol === "tp" ? rule("control-epoch.step") : rule("sequence.step");
  const chunk = protocol === "tp" ? rule("chunk-index.infer-only") : rule("chunk-index");
  const notNegative = [rule("epoch.not-negative")];
  const negative = (draw: Draw) => -1n - drawCount(draw);
  return {
    profile,
    limit: LIMIT,
    rules: [
      rule("call-id.increasing"),
      rule("call-id.duplicate"),
      control,
      rule("cache-epoch.step"),
      rule("cache-epoch.init"),
    ],
    endRules: [rule("eof"), "tp.header.cut"],
    encodeRules: [],
    message,
    last: (writer, draw) => put(writer, draw, "SHUTDOWN"),
    faults: [
      wrong("call-id-back", [rule("call-id.increasing")], undefined, (_, { last }, draw) => {
        const lower = last.call_id - 1n - (drawCount(draw) % last.call_id);
        return { call_id: lower };
      }),
      wrong("control-epoch", [control], undefined, (ids, _, draw) => ({
        control_epoch: ids.control_epoch + draw.pick([-1n, 1n, 1n + drawCount(draw)]),
      })),
      wrong("cache-epoch-ahead", [rule("cache-epoch.step")], undefined, (_, { last }, draw) => ({
        cache_epoch: last.cache_epoch + 2n + drawCount(draw),
      })),
      wrong("cache-epoch-back", [rule("cache-epoch.step")], undefined, (_, { last }, draw) => ({
        cache_epoch: last.cache_epoch - 1n - drawCount(draw),
      })),
      wrong(
        "chunk-back",
        [chunk],
        "INFER",
        (_, { last }) => ({ cache_epoch: last.cache_epoch, chunk_index: last.chunk_index - 1n }),
        "INFER",
      ),
      wrong("chunk-negative", protocol === "tp" ? notNegative : [chunk], "INFER", (_, __, draw) => ({
        chunk_index: negative(draw),
      })),
      first("first-call-id", [rule("call-id.increasing")], (draw) => ({
        call_id: draw.chance(30) ? 0n : negative(draw),
      })),
      first("first-control-epoch", notNegative, (draw) => ({ control_epoch: negative(draw) })),
      first("first-cache-epoch", notNegative, (draw) => ({ cache_epoch: negative(draw) })),
      {
        name: "init",
        rules: [rule("cache-epoch.init")],
        write: (writer, draw) => {
          const past = pastOf(writer);
          const ids = drawNext(past, draw, "INFER");
          putHeader(writer, ids, ACTIONS.INFER);
          putFrame(writer, drawBody(draw, ids, !afterCut(past, ids), protocol === "tp" || undefined)).error("sequence");
        },
      },
      {
        name: "behind-shutdown",
        rules: [rule("shutdown.last")],
        write: (writer, draw) => {
          put(writer, draw, "SHUTDOWN");
          writer.put("call_id", draw.bytes(1), HEADER).error("state" satisfies EventClass);
          writer.put("call_id", draw.bytes(draw.integer(0, 45)), HEADER);
        },
      },
    ],
  };
}
