import type { CaseRequest } from "../src/protocol.ts";
import type { Liar, Lie } from "./gallery.ts";
import { honest, honestHello } from "./honest.ts";

/** Hello says `len64` too. */
const both = { ...honestHello, profiles: { ...honestHello.profiles, len64: { roles: ["encode"] } } };
const encoded = ({ seq }: CaseRequest): Lie => ({
  op: "result",
  seq,
  steps: [[{ event: "bytes", hex: "000000026869" }]],
});
/** Honest, but where an encoder of `len32` is asked for, which hello leaves out. */
const unasked = (lie: (request: CaseRequest) => Lie) => (request: CaseRequest) =>
  request.op === "case" && request.profile === "len32" && request.role === "encode" ? lie(request) : honest(request);

/** They pass, for what they claim is right: hello and answers contradict each other, and that must be said. */
export const CONTRADICTORY: readonly Liar[] = [
  {
    name: "hides-a-role",
    rules: ["iut.contradiction.asked", "iut.contradiction.shown"],
    answer: unasked(encoded),
    exit: 0,
    says: /len32, encode: not declared, and works: 1 of 1 accepting cases answered right/,
  },
  {
    name: "claims-and-declines",
    rules: ["iut.contradiction.shown"],
    hello: both,
    answer: honest,
    exit: 0,
    verdict: "declined",
    says: /len64, encode: declared, and all 2 cases declined: profile/,
  },
  {
    name: "makes-up-a-role",
    rules: ["iut.contradiction.shown"],
    answer: unasked(({ seq }) => ({ op: "result", seq, steps: [[]] })),
    exit: 0,
    says: /len32, encode: not declared, and not declined: bytes is missing in step 0/,
  },
  {
    name: "answers-a-role-with-garbage",
    rules: ["iut.contradiction.asked"],
    answer: unasked(() => ({ raw: "segmentation fault\n" })),
    exit: 0,
    says: /len32, encode: not declared, and not declined: adapter error: .*no JSON.*; nothing more was asked/,
  },
  {
    name: "dies-of-a-role",
    rules: ["iut.contradiction.asked"],
    answer: unasked(() => "exit"),
    exit: 0,
    says: /len32, encode: not declared, and not declined: crash: .*status 7; nothing more was asked/,
  },
  {
    name: "hangs-in-a-role",
    rules: ["iut.contradiction.asked"],
    answer: unasked(() => "silence"),
    exit: 0,
    says: /len32, encode: not declared, and not declined: timeout: no answer within .*; nothing more was asked/,
  },
];
