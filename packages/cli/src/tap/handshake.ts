import { WireError } from "@tensorwire/framing";
import { peerFault, printable } from "@tensorwire/tensor-spec";
import { type Hello, HelloDecoder, judgeHello } from "@tensorwire/tp-control";
import type { Heard, Listener, Passed } from "./listener.ts";

type End = "dialler" | "listener";

/**
 * Both directions of a connection that begins with a Hello each (`spec/handshake.md`): what is said in them, that they belong together, and that
 * nobody speaks before it may.
 */
export class HandshakeLint {
  readonly #hello: { dialler?: Hello; listener?: Hello } = {};
  /** Rules of order that were broken, once each. */
  readonly #told = new Set<string>();

  /** Follows one direction: its Hello, and behind it what `protocol` follows. */
  listener(end: End, protocol: Listener, broken: (error: WireError, rules: readonly string[]) => void): Listener {
    const decoder = new HelloDecoder();
    let begun = false;
    const once = (rule: string, error: WireError) => {
      if (this.#told.has(rule)) return;
      this.#told.add(rule);
      broken(error, [rule]);
    };
    return {
      push: (chunk): Heard => {
        if (begun) return protocol.push(chunk);
        // r[link.hello.answer]
        if (end === "listener" && chunk.length > 0 && this.#hello.dialler === undefined) {
          once("link.hello.answer", early("the dialler's Hello", decoder.offset));
        }
        const { messages, rest, error } = decoder.push(chunk);
        const [hello] = messages;
        if (error !== null || hello === undefined) return { passed: [], error };
        begun = true;
        this.#hello[end] = hello;
        const passed = [helloPassed(hello, decoder.offset)];
        const { dialler, listener } = this.#hello;
        if (dialler !== undefined && listener !== undefined) {
          try {
            judgeHello(dialler, listener, peerFault(decoder.offset));
          } catch (error) {
            if (!(error instanceof WireError)) throw error;
            broken(error, helloRules(error));
          }
        }
        // r[link.hello.first]
        if (end === "dialler" && rest.length > 0 && listener === undefined) {
          once("link.hello.first", early("the listener's Hello", 0));
        }
        const heard = rest.length === 0 ? { passed: [], error: null } : protocol.push(rest);
        return { passed: [...passed, ...heard.passed], error: heard.error };
      },
      rulesOf: (error) => (begun ? undefined : helloRules(error)),
      end: () => (begun ? protocol.end() : decoder.end()),
      get remark() {
        return begun ? protocol.remark : "without a Hello";
      },
    };
  }
}

const early = (awaited: string, at: number) => peerFault(at)("state", `expected no byte before ${awaited}, some came`);

function helloPassed({ job, role, rank, peer_rank, plan, lane }: Hello, to: number): Passed {
  return {
    from: 0,
    to,
    kind: "hello",
    about: { job: printable(job), role, rank, peer_rank, plan: printable(plan), lane },
  };
}

const OF_FIELDS: Readonly<Record<string, string>> = { peer_rank: "rank", weights_digest: "weights" };
const OF_CLASSES: Readonly<Record<string, string>> = {
  "oversize.declared": "limit",
  "eof.in-prefix": "cut",
  "eof.in-body": "cut",
  version: "version",
  "header.length": "message",
};

/** The rules of a refused Hello: no vector has one, since no profile does. */
export function helloRules({ code, message }: WireError): readonly string[] {
  const [, field] = /\bHello\.(\w+)/.exec(message) ?? [];
  const rule = field === undefined ? OF_CLASSES[code] : (OF_FIELDS[field] ?? field);
  return rule === undefined ? [] : [`link.hello.${rule}`];
}
