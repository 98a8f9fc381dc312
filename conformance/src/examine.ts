import { randomBytes } from "node:crypto";
import { hashOf } from "./corpus/files.ts";
import { CHECK_DEADLINE, helloDeadline } from "./deadlines.ts";
import type { Way } from "./link/ways.ts";
import { type Checked, checkLink } from "./link-check.ts";
import { DEFAULT_CORPUS } from "./options.ts";
import type { Hello, Welcome } from "./protocol.ts";
import { describeEvents, describeStep, iutName } from "./report/describe.ts";
import type { Paint } from "./report/paint.ts";
import { blame, Session } from "./session.ts";
import { EXIT } from "./verdict.ts";

/** What the link check alone says of an implementation. */
export interface Examination {
  readonly exit: typeof EXIT.conformant | typeof EXIT.notConformant | typeof EXIT.adapter;
  readonly seed: string;
  readonly iut: Hello["iut"] | null;
  readonly checks: readonly Checked[];
  /** The last lines of the link, where the adapter is the trouble. */
  readonly link: readonly string[];
}

export interface ExamineOptions {
  readonly way: Way;
  /** Default: fresh. */
  readonly seed?: string;
  /** Milliseconds until hello must be there, and for each request. Default 30,000; for hello under attach 300,000. */
  readonly deadline?: number;
  readonly heard?: (check: Checked) => void;
  readonly log: (line: string) => void;
}

/** Opens one link, asks what must hold before any verdict, and closes it. Throws where the harness is at fault, and `UsageError`. */
export async function examine({
  way,
  deadline,
  heard = () => {},
  log,
  ...given
}: ExamineOptions): Promise<Examination> {
  const seed = given.seed ?? randomBytes(8).toString("hex");
  const welcome: Welcome = {
    op: "welcome",
    protocol: 1,
    corpus: hashOf(DEFAULT_CORPUS),
    run: crypto.randomUUID(),
    seed,
  };
  const checks: Checked[] = [];
  const hear = (check: Checked) => {
    const { case: _, ...came } = check;
    checks.push(check.verdict === "pass" ? came : check);
    heard(check);
  };
  let links = 0;
  const open = () => Session.open(way, welcome, { deadline: deadline ?? helloDeadline(way), number: ++links, log });
  let session: Session;
  try {
    session = await open();
  } catch (error) {
    if (blame(error) === undefined) throw error;
    hear({ check: HELLO, verdict: "adapter error", text: (error as Error).message });
    return { exit: EXIT.adapter, seed, iut: null, checks, link: [] };
  }
  const { iut, profiles } = session.hello;
  hear({ check: HELLO, verdict: "pass", text: `${iutName(iut)}: ${Object.keys(profiles).join(", ") || "no profile"}` });
  const check = await checkLink(session, {
    ...{ seed, deadline: deadline ?? CHECK_DEADLINE, heard: hear },
    selected: () => true,
    reopen: () => open().catch((error) => lost(error, log)),
  });
  await check.session?.close();
  const exit =
    check.adapter !== undefined ? EXIT.adapter : check.codecs.size > 0 ? EXIT.notConformant : EXIT.conformant;
  return { exit, seed, iut, checks, link: check.adapter?.record ?? [] };
}

const HELLO = "hello";

function lost(error: unknown, log: (line: string) => void): undefined {
  if (blame(error) === undefined) throw error;
  log(`no further link: ${(error as Error).message}; what is left was not asked`);
}

/** A check for people, on one line or, where it failed, with all that there is to see. */
export function checkedText({ check, verdict, text = "", case: about, actual }: Checked, paint: Paint): string {
  const word =
    verdict === "pass"
      ? paint.good("ok".padEnd(9))
      : verdict === "declined"
        ? paint.warn(verdict.padEnd(9))
        : paint.bad(WORDS[verdict].padEnd(9));
  const name = check.replace(/^link-check\//, "");
  const lines = [`${word}${name.padEnd(36)}${text}`.trimEnd()];
  if (about === undefined || verdict === "pass" || verdict === "declined") return lines.join("\n");
  const item = (name: string, value: string) => lines.push(`         ${name.padEnd(9)}${value}`);
  item("why", about.why);
  for (const [i, step] of about.steps.entries()) {
    item("sent", "feed" in step ? `${describeStep(step)}: ${step.feed.slice(0, SHOWN)}` : describeStep(step));
    item("expected", describeEvents(about.expected[i]));
    if (actual !== undefined) item("came", describeEvents(actual[i]));
  }
  return lines.join("\n");
}

/** Digits of what was sent: it is random, and its beginning says where it goes wrong. */
const SHOWN = 120;

const WORDS = { fail: "failed", crash: "crashed", timeout: "late", "adapter error": "adapter" } as const;
