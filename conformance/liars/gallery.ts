import type { CaseRequest, Event } from "../src/protocol.ts";
import type { Verdict } from "../src/verdict.ts";
import { honest, honestHello } from "./honest.ts";

/** What a liar does instead of an answer: raw text (no LF added), an end of the process, silence, or a closed link. */
export type Lie = object | { raw: string } | "exit" | "silence" | "close";

export interface Liar {
  readonly name: string;
  /** Of the IUT protocol: what it breaks, or what makes the harness come to its verdict. */
  readonly rules: readonly string[];
  /** Default launch. */
  readonly way?: "stdio";
  /** Said instead of the honest hello. */
  readonly hello?: Lie;
  readonly answer: (request: CaseRequest) => Lie;
  /** What it takes for lines: it is given a chunk, and the lines that end in it. */
  readonly reads?: (chunk: string, lines: readonly string[]) => readonly string[];
  /** The exit status that the harness must come to, and what its report must say. */
  readonly exit: number;
  readonly says: RegExp;
  /** A verdict that must stand in the report at least once. */
  readonly verdict?: Verdict;
}

const isCheck = ({ op, id }: CaseRequest) => op !== "case" || id.startsWith("link-check");
/** Honest in the link check, so that the lie is about a case. */
const later = (lie: (request: CaseRequest) => Lie) => (request: CaseRequest) =>
  isCheck(request) ? honest(request) : lie(request);

/** An honest answer with every list of events changed. */
function bent({ seq, ...rest }: CaseRequest, bend: (events: readonly Event[], step: number) => unknown): Lie {
  const answer = honest({ seq, ...rest });
  return answer.op === "result" ? { ...answer, steps: answer.steps.map(bend) } : answer;
}

/** Its decoder outlives a case: what a case of the corpus leaves over stands before the next one. */
function remembering(): Liar["answer"] {
  let left = "";
  return later((request) => {
    const [first, ...others] = request.steps;
    if (first === undefined || !("feed" in first)) return honest(request);
    const answer = honest({ ...request, steps: [{ feed: left + first.feed }, ...others] });
    const fed = request.steps.map((step) => ("feed" in step ? step.feed : "")).join("");
    left = fed.slice(0, 2);
    return answer;
  });
}

/** Says nothing any more as soon as the codec is asked. */
export const MUTE_CODEC: Liar = {
  name: "mute-codec",
  rules: ["iut.link-check.codec", "iut.deadline.scaled"],
  answer: (request) => (request.op === "case" && request.profile === "len32" ? "silence" : honest(request)),
  exit: 1,
  verdict: "timeout",
  says: /link-check\/len32\/frame/,
};

/** They must not pass. Each lies in one point, and the harness must say which. */
export const GALLERY: readonly Liar[] = [
  {
    name: "always-ok",
    rules: ["iut.link-check.codec"],
    answer: (request) => bent(request, () => [{ event: "message", value: { payload: "" } }]),
    exit: 1,
    verdict: "fail",
    says: /link-check\/len32\/frame/,
  },
  {
    name: "empty-events",
    rules: ["iut.link-check.codec"],
    answer: (request) => bent(request, () => []),
    exit: 1,
    verdict: "fail",
    says: /a message is missing in step 0/,
  },
  {
    name: "empty-result",
    rules: ["iut.result.lists"],
    answer: later(({ seq }) => ({ op: "result", seq, steps: [] })),
    exit: 3,
    verdict: "adapter error",
    says: /one list of events for each/,
  },
  {
    name: "read-is-message",
    rules: ["iut.step.one-read"],
    answer: (request) =>
      bent(request, (_, step) => {
        const sent = request.steps[step];
        return sent !== undefined && "feed" in sent
          ? [{ event: "message", value: { payload: sent.feed } }]
          : [{ event: "end" }];
      }),
    exit: 1,
    verdict: "fail",
    says: /other content/,
  },
  {
    name: "never-refuses",
    rules: ["iut.link-check.codec"],
    answer: (request) => bent(request, (events) => events.filter(({ event }) => event !== "error")),
    exit: 1,
    verdict: "fail",
    says: /link-check\/len32\/cut/,
  },
  {
    name: "declines-everything",
    rules: ["iut.exit.precedence"],
    answer: ({ seq }) => ({ op: "declined", seq, reason: "operation" }),
    exit: 5,
    says: /nothing was executed/,
    verdict: "declined",
  },
  {
    name: "takes-any-profile",
    rules: ["iut.link-check.adapter", "iut.decline.unknown"],
    answer: (request) => honest(request.op === "case" ? { ...request, profile: "len32" } : request),
    exit: 3,
    says: /adapter unusable.*several segments/,
  },
  {
    name: "takes-any-op",
    rules: ["iut.link-check.adapter", "iut.decline.unknown"],
    answer: (request) =>
      honest({
        ...request,
        op: "case",
        steps: request.steps ?? [],
        profile: request.profile ?? "len32",
        role: request.role ?? "decode",
        limits: request.limits ?? {},
      }),
    exit: 3,
    says: /adapter unusable.*an unknown op/,
  },
  {
    name: "takes-a-read-for-a-line",
    rules: ["iut.link-check.adapter"],
    // Of a small buffer, so that it does not hang on what the system hands out at once.
    reads: (chunk) => chunk.match(/[\s\S]{1,64}/g) ?? [],
    answer: honest,
    exit: 3,
    says: /adapter unusable.*several segments/,
  },
  {
    name: "cuts-long-lines",
    rules: ["iut.link-check.adapter", "iut.link.line-limit"],
    reads: (_, lines) => lines.map((line) => line.slice(0, 65_536)),
    answer: honest,
    exit: 3,
    says: /adapter unusable.*8 MiB/,
  },
  {
    name: "remembers-cases",
    rules: ["iut.case.stateless"],
    answer: remembering(),
    exit: 1,
    verdict: "fail",
    says: /is missing|should give|should not be there/,
  },
  {
    name: "exits-before-hello",
    rules: ["iut.launch.token"],
    hello: "exit",
    answer: honest,
    exit: 3,
    says: /ended with status 7 before it said hello/,
  },
  {
    name: "dies-after-hello",
    rules: ["iut.link-check.adapter"],
    answer: () => "exit",
    exit: 3,
    says: /adapter unusable.*status 7/,
  },
  {
    name: "dies-in-a-case",
    rules: ["iut.answer.one"],
    answer: later(() => "exit"),
    exit: 1,
    verdict: "crash",
    says: /status 7/,
  },
  {
    name: "closes-early",
    rules: ["iut.answer.one"],
    answer: later(() => "close"),
    exit: 1,
    verdict: "crash",
    says: /closed the connection/,
  },
  {
    name: "cuts-its-answer",
    rules: ["iut.answer.one"],
    answer: later(() => ({ raw: '{"op":"resu' })),
    exit: 1,
    verdict: "timeout",
    says: /no answer within 0\.2 s/,
  },
  {
    name: "hangs",
    rules: ["iut.answer.one", "iut.deadline.scaled"],
    answer: later(() => "silence"),
    exit: 1,
    verdict: "timeout",
    says: /no answer within 0\.2 s/,
  },
  {
    name: "errs",
    rules: ["iut.errored.verdict"],
    answer: later(({ seq }) => ({ op: "errored", seq, text: "caught a KeyError" })),
    exit: 1,
    verdict: "fail",
    says: /caught a KeyError/,
  },
  {
    name: "errs-at-once",
    rules: ["iut.link-check.codec"],
    answer: ({ seq }) => ({ op: "errored", seq, text: "caught a KeyError" }),
    exit: 3,
    says: /adapter unusable.*caught a KeyError/,
  },
  {
    name: "prints-on-stdout",
    rules: ["iut.link.schema"],
    way: "stdio",
    hello: { raw: "loading the codec\n" },
    answer: honest,
    exit: 3,
    says: /no JSON: "loading the codec"/,
  },
  {
    name: "logs-between-answers",
    rules: ["iut.link.schema"],
    way: "stdio",
    answer: later((request) => ({ raw: `a case\n${JSON.stringify(honest(request))}\n` })),
    exit: 3,
    verdict: "adapter error",
    says: /no JSON: "a case"/,
  },
  {
    name: "numbers-in-hello",
    rules: ["iut.link.schema", "iut.numbers.decimal"],
    hello: { ...honestHello, profiles: { len32: { roles: ["decode"], max_frame_length: 65536 } } },
    answer: honest,
    exit: 3,
    says: /max_frame_length: must be string; it is 65536/,
  },
  {
    name: "numbers-in-events",
    rules: ["iut.answer.shape", "iut.numbers.decimal"],
    answer: (request) =>
      bent(request, (events) => events.map((event) => ("at" in event ? { ...event, at: Number(event.at) } : event))),
    exit: 3,
    says: /adapter unusable.*at: must be string/,
  },
  {
    name: "unknown-field",
    rules: ["iut.answer.shape"],
    answer: later((request) => bent(request, (events) => events.map((event) => ({ ...event, took_ms: 3 })))),
    exit: 3,
    verdict: "adapter error",
    says: /unknown field "took_ms"/,
  },
  {
    name: "own-class",
    rules: ["iut.granularity.word"],
    answer: later((request) =>
      bent(request, (events) => events.map((event) => ("at" in event ? { ...event, class: "EOF" } : event))),
    ),
    exit: 3,
    verdict: "adapter error",
    says: /class/,
  },
  {
    name: "long-hex",
    rules: ["iut.bytes.digest"],
    answer: later((request) =>
      bent(request, (events) =>
        events.map((event) =>
          event.event === "message" ? { ...event, value: { payload: "00".repeat(4097) } } : event,
        ),
      ),
    ),
    exit: 3,
    verdict: "adapter error",
    says: /must NOT have more than 8192 characters/,
  },
  {
    name: "nests-without-bound",
    rules: ["iut.link.schema"],
    answer: later(({ seq }) => {
      const value = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
      return { raw: `{"op":"result","seq":${seq},"steps":[[{"event":"message","value":${value}}]]}\n` };
    }),
    exit: 3,
    verdict: "adapter error",
    says: /nested more than 1000 deep/,
  },
  {
    name: "nests-its-op",
    rules: ["iut.link.schema"],
    answer: later(({ seq }) => ({ raw: `{"seq":${seq},"op":${"[".repeat(50_000)}${"]".repeat(50_000)}}\n` })),
    exit: 3,
    verdict: "adapter error",
    says: /the op of an answer is .* nested more than 1000 deep/,
  },
  {
    name: "wrong-seq",
    rules: ["iut.answer.seq"],
    answer: later((request) => ({ ...honest(request), seq: request.seq + 1 })),
    exit: 3,
    verdict: "adapter error",
    says: /seq must be/,
  },
  {
    name: "answers-twice",
    rules: ["iut.answer.one", "iut.link.lock-step"],
    answer: later((request) => ({ raw: `${JSON.stringify(honest(request))}\n`.repeat(2) })),
    exit: 3,
    verdict: "adapter error",
    says: /nobody had asked for/,
  },
  {
    name: "pretty-prints",
    rules: ["iut.link.schema"],
    answer: (request) => ({ raw: `${JSON.stringify(honest(request), null, 2)}\n` }),
    exit: 3,
    says: /no JSON: "\{"/,
  },
  {
    name: "never-ends-a-line",
    rules: ["iut.link.line-limit"],
    answer: later(() => ({ raw: " ".repeat(9 * 1024 * 1024) })),
    exit: 3,
    verdict: "adapter error",
    says: /longer than 8388608 bytes/,
  },
  {
    name: "not-utf8",
    rules: ["iut.link.schema"],
    answer: later(() => ({ raw: "\u00ff\n" })),
    exit: 3,
    verdict: "adapter error",
    says: /not UTF-8/,
  },
  {
    name: "wrong-token",
    rules: ["iut.launch.token"],
    hello: { ...honestHello, token: "guessed" },
    answer: honest,
    exit: 3,
    says: /the token of hello is "guessed"/,
  },
  {
    name: "old-protocol",
    rules: ["iut.link.schema"],
    hello: { ...honestHello, protocol: 0 },
    answer: honest,
    exit: 3,
    says: /protocol: must be 1; it is 0/,
  },
  {
    name: "late-by-a-step",
    rules: ["iut.event.moment", "iut.judge.late"],
    answer: later((request) => {
      const answer = honest(request);
      if (answer.op !== "result") return answer;
      return {
        ...answer,
        steps: [
          [],
          ...answer.steps.slice(0, -2),
          [...(answer.steps.at(-2) ?? []), ...(answer.steps.at(-1) ?? [])],
        ].slice(0, answer.steps.length),
      };
    }),
    exit: 1,
    verdict: "fail",
    says: /reported late/,
  },
];
