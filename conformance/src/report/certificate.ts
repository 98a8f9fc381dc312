import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import schema from "@tensorwire/spec/iut/certificate.schema.json";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { Contradiction } from "../contradictions.ts";
import { readLines } from "../line-schemas.ts";
import { type Counts, count, type ExitCode, type Word } from "../verdict.ts";
import { harnessCommit } from "./commit.ts";
import { type CaseReport, HARNESS, type Judged, profilesOf, type Report, type Selection } from "./report.ts";

/** What a run showed, so that others can check it: who, against which corpus, with what result, and the hash of every event. */
export interface Certificate {
  readonly certificate: 1;
  readonly date: string;
  /** `commit`: where it is known. The events do not have it: another commit that judges alike gives the same ones. */
  readonly harness: { readonly name: string; readonly version: string; readonly commit?: string };
  readonly corpus: Report["corpus"];
  readonly iut: Report["iut"] | null;
  readonly capabilities: readonly string[];
  readonly error_granularity: string;
  /** What the run was narrowed to: a certificate of a part says so. */
  readonly selection: Selection;
  readonly seed: string;
  readonly exit: ExitCode;
  readonly profiles: readonly {
    readonly profile: string;
    readonly word: Word;
    readonly counts: Counts;
    readonly not_run: number;
  }[];
  readonly counts: Counts;
  readonly known_failures: readonly { readonly id: string; readonly reason: string }[];
  /** What hello says and the answers do not bear out; absent where there is nothing to say. r[iut.contradiction.shown] */
  readonly contradictions?: readonly Contradiction[];
  readonly events: { readonly sha256: string; readonly lines: number };
}

export function certificate(report: Report, events: Certificate["events"], date: string): Certificate {
  const { corpus, iut = null, capabilities, granularity, selection, seed, exit, outcomes, contradictions } = report;
  const commit = harnessCommit();
  return {
    certificate: 1,
    date,
    harness: { ...HARNESS, ...(commit !== undefined && { commit }) },
    corpus,
    iut,
    capabilities,
    error_granularity: granularity,
    selection,
    seed,
    exit,
    profiles: claimsOf(report),
    counts: count(outcomes),
    known_failures: outcomes
      .filter(({ verdict }) => verdict === "known-fail")
      .map(({ id, text = "" }) => ({ id, reason: text })),
    ...(contradictions.length > 0 && { contradictions }),
    events,
  };
}

const claimsOf = (judged: Judged): Certificate["profiles"] =>
  profilesOf(judged).map(({ profile, word, counts, notRun }) => ({ profile, word, counts, not_run: notRun }));

/** A file that is no certificate. */
export class CertificateError extends Error {
  override readonly name = "CertificateError";
}

const validate = new Ajv2020({ allErrors: true }).compile<Certificate>(schema);

export function readCertificate(path: string): Certificate {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new CertificateError(`${path}: ${(error as Error).message}`);
  }
  if (validate(content)) return content;
  const [first] = validate.errors ?? [];
  throw new CertificateError(`${path}${first?.instancePath ?? ""}: ${first?.message ?? "does not fit the schema"}`);
}

interface Line {
  readonly type?: unknown;
  readonly [field: string]: unknown;
}

/** What in an event stream does not bear a certificate out, a sentence each; none where all agrees. r[iut.certificate.events] */
export function checkEvents(claim: Certificate, stream: Uint8Array): string[] {
  const faults: string[] = [];
  const differs = (what: string, stated: unknown, found: unknown) => {
    const [a, b] = [JSON.stringify(stated), JSON.stringify(found)];
    if (a !== b) faults.push(`${what}: the certificate says ${a}, the events say ${b}`);
  };
  differs("sha256 of the events", claim.events.sha256, createHash("sha256").update(stream).digest("hex"));
  let lines: Line[];
  try {
    lines = readLines("events", new TextDecoder("utf-8", { fatal: true }).decode(stream)) as Line[];
  } catch (error) {
    return [...faults, `the events cannot be read: ${(error as Error).message}`];
  }
  differs("lines", claim.events.lines, lines.length);
  const header = lines[0];
  const footer = lines.at(-1);
  if (header?.type !== "header" || footer?.type !== "footer") {
    return [...faults, "the events have no header and footer"];
  }
  const stray = lines.findIndex(({ type }, i) => i > 0 && i < lines.length - 1 && type !== "case");
  if (stray !== -1)
    return [...faults, `the events cannot be read: line ${stray + 1}: a ${lines[stray]?.type} between the cases`];
  const cases = lines.slice(1, -1) as unknown as readonly (CaseReport & { readonly profile: string })[];
  const { commit: _, ...harness } = claim.harness;
  differs("harness", harness, header.harness);
  for (const field of ["corpus", "iut", "capabilities", "error_granularity", "selection", "seed"] as const) {
    differs(field, claim[field], header[field]);
  }
  differs("exit", claim.exit, footer.exit);
  differs("counts", claim.counts, count(cases));
  differs("counts of the footer", claim.counts, footer.counts);
  const notRun = new Map(Object.entries((footer.not_run ?? {}) as Readonly<Record<string, number>>));
  const found = claimsOf({ outcomes: cases, notRun });
  const names = (claims: Certificate["profiles"]) => claims.map(({ profile }) => profile);
  differs("profiles", names(claim.profiles), names(found));
  for (const name of new Set(names(claim.profiles))) {
    const of = (claims: Certificate["profiles"]) => claims.filter(({ profile }) => profile === name);
    differs(`the profile ${name}`, of(claim.profiles), of(found));
  }
  differs("contradictions", claim.contradictions ?? [], footer.contradictions ?? []);
  differs(
    "known failures",
    claim.known_failures,
    cases.filter(({ verdict }) => verdict === "known-fail").map(({ id, reason }) => ({ id, reason })),
  );
  return faults;
}
