import { EXIT, type ExitCode } from "../verdict.ts";

/** What an exit status says, in words; `known`: how many cases failed as the baseline says. */
export function endingOf(exit: ExitCode, known: number): string {
  return exit === EXIT.conformant && known > 0 ? "nothing fails but what is known to" : ENDINGS[exit];
}

const ENDINGS = {
  [EXIT.conformant]: "conformant",
  [EXIT.notConformant]: "not conformant",
  [EXIT.baseline]: "the baseline does not fit",
  [EXIT.adapter]: "could not tell: the IUT did not start, or its adapter is broken",
  [EXIT.harness]: "could not tell: a defect of the harness or of the corpus",
  [EXIT.nothing]: "could not tell: nothing was executed",
  [EXIT.usage]: "usage",
} as const;
