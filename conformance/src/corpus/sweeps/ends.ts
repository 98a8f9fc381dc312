import { Script } from "../script.ts";
import type { Stream } from "../stream.ts";
import type { DecodeVector } from "../vector.ts";
import type { Shows } from "../vector-file.ts";
import type { Plan } from "./plan.ts";

/** The stream ends after every byte: what is whole is delivered, then the marks decide how the end is named. */
export function* eof(v: DecodeVector): Iterable<Plan> {
  for (let at = 0; at < v.stream.length; at++) {
    yield {
      suffix: `eof=${at}`,
      rules: v.rulesFor(endShows(v.stream, at)),
      why: "An end of the stream is clean on a message boundary alone, and elsewhere names the place.",
      play: () => {
        const script = new Script(v.stream);
        if (at > 0) script.read(at);
        return script.eof();
      },
    };
  }
}

function endShows(stream: Stream, at: number): Shows {
  const event = stream.endAt(at);
  if (event === null) return "sticky";
  return event.event === "error" ? (event.class as Shows) : "end";
}

/** A new connection after every byte, and after the end, carries the whole stream: nothing is left of the old one. */
export function* reset(v: DecodeVector): Iterable<Plan> {
  const why = "A new connection starts at a message boundary, whatever the old one was in the middle of.";
  const rules = v.rulesFor("isolation");
  for (let at = 0; at <= v.stream.length; at++) {
    yield {
      suffix: `reset=${at}`,
      rules,
      why,
      play: () => {
        const script = new Script(v.stream);
        if (at > 0) script.read(at);
        return script.reset().reads([]).eof();
      },
    };
  }
  yield {
    suffix: "reset=eof",
    rules,
    why,
    play: () => new Script(v.stream).reads([]).eof().reset().reads([]).eof(),
  };
}
