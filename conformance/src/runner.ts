import { Agenda, type Place } from "./agenda.ts";
import { Choices } from "./choices.ts";
import { answered, Claims, type Contradiction, concluded } from "./contradictions.ts";
import type { Case, Corpus } from "./corpus/types.ts";
import { CaseDeadline } from "./deadlines.ts";
import { notApplicable, otherHello, undeclared } from "./hello.ts";
import { alternativeOf, judgeCase } from "./judge.ts";
import { beforeLeaving } from "./leaving.ts";
import { LinkError } from "./link/link.ts";
import type { LinkEvent } from "./link/recorder.ts";
import { checkLink } from "./link-check.ts";
import { paceOf } from "./probes/pace.ts";
import { overgrown, watchResident } from "./probes/resident.ts";
import type { Answer, Hello, Step } from "./protocol.ts";
import type { RunPlan, RunResult } from "./run-plan.ts";
import { ShapeError } from "./schema.ts";
import { blame, Session } from "./session.ts";
import { trimmed } from "./trim.ts";
import type { Outcome } from "./verdict.ts";
import { CAPABILITY, runLevel2, selected } from "./wire/level2.ts";

/** How often an IUT is started again after a crash, a timeout or a broken line. r[iut.restart.limit] */
const RESTARTS = 8;

/** What putting a case came to, and whether the link is to be replaced. */
interface Put {
  readonly outcome: Outcome;
  readonly lost: boolean;
}

/** The cases of level 1, then those of level 3. */
export function* casesOf(corpus: Corpus, filter: (id: string) => boolean): Generator<Case> {
  yield* corpus.cases(filter);
  if (corpus.probes !== undefined) yield* corpus.probes(filter);
}

/** Runs the corpus over `jobs` links. Throws `LinkError` or `ShapeError` when not even the first says hello. */
export function run(plan: RunPlan): Promise<RunResult> {
  return new Run(plan).run();
}

class Run {
  readonly #plan: RunPlan;
  readonly #outcomes: Outcome[] = [];
  readonly #notRun = new Map<string, number>();
  readonly #agenda: Agenda;
  readonly #claims = new Claims();
  readonly #choices = new Choices();
  #first: Hello | undefined;
  #opened = 0;
  #restarts = 0;
  #deadline: CaseDeadline;

  constructor(plan: RunPlan) {
    this.#plan = plan;
    const { corpus, filter, welcome } = plan;
    this.#agenda = new Agenda({ corpus, filter, seed: welcome.seed, tell: (outcome) => this.#tell(outcome) });
    this.#deadline = CaseDeadline.fixed(plan.caseDeadline);
  }

  async run(): Promise<RunResult> {
    // What has ended is told, however the run ends: a signal too.
    const told = beforeLeaving(() => this.#agenda.breakOff());
    try {
      return await this.#all();
    } catch (error) {
      this.#agenda.breakOff();
      throw error;
    } finally {
      told();
    }
  }

  async #all(): Promise<RunResult> {
    const { jobs, profile, welcome, log } = this.#plan;
    const first = await this.#open();
    const { hello } = first;
    this.#plan.opened?.(hello);
    const check = await checkLink(first, {
      seed: welcome.seed,
      deadline: this.#plan.checkDeadline,
      selected: profile,
      reopen: () => this.#reopen(),
    });
    const result = { hello, adapter: check.adapter };
    if (check.adapter !== undefined) {
      await check.session?.close();
      return { ...result, outcomes: [], notRun: this.#notRun, links: 1, restarts: this.#restarts };
    }
    if (this.#plan.caseDeadline === undefined) this.#deadline = CaseDeadline.scaled(check);
    for (const outcome of check.codecs.values()) this.#settle(outcome);

    const unusable = this.#plan.unusableToo ? new Map<string, unknown>() : check.codecs;
    const sessions = check.session === undefined ? [] : [check.session];
    const more = await Promise.allSettled(Array.from({ length: sessions.length * (jobs - 1) }, () => this.#open()));
    for (const opened of more) {
      if (opened.status === "fulfilled") sessions.push(opened.value);
      else log(`a further link did not open, going on with fewer: ${(opened.reason as Error).message}`);
    }
    const alive = await Promise.all(sessions.map((session) => this.#work(session, unusable)));
    for (let next = this.#next(hello, unusable); next !== undefined; next = this.#next(hello, unusable)) {
      this.#agenda.left(next.place);
      this.#left(next.about.profile);
    }
    for (const outcome of this.#choices.mixed()) this.#settle(outcome);
    const left = await this.#level2(
      alive.filter((session) => session !== undefined),
      hello,
      unusable,
    );
    // Behind everything else, so that nothing that comes of it can harm a verdict.
    const undeclared = left[0] === undefined ? [] : await this.#askUndeclared(left[0]);
    await Promise.all(left.map((session) => session.close()));
    return {
      ...result,
      outcomes: this.#outcomes,
      notRun: this.#notRun,
      deadline: this.#deadline,
      links: sessions.length,
      restarts: this.#restarts,
      claims: this.#claims,
      undeclared,
    };
  }

  /**
   * Asks once for a few cases of what hello leaves out. The first link that is lost to it ends the asking: nothing is started again for
   * what nobody claims. r[iut.contradiction.asked]
   */
  async #askUndeclared(session: Session): Promise<Contradiction[]> {
    const { asked: recorded = () => true } = this.#plan;
    const found: Contradiction[] = [];
    for (const cases of this.#claims.undeclared) {
      const asked: Case[] = [];
      const answers: (string | undefined)[] = [];
      let lost = false;
      for (const about of cases) {
        const { profile, role, limits, steps } = about;
        const id = `undeclared/${about.id}`;
        if (lost || !recorded(id)) continue;
        asked.push(about);
        try {
          const answer = await session.ask(
            { id, profile, role, limits, steps },
            { deadline: this.#deadline.of(about) },
          );
          answers.push(answered(about, answer, session.hello.error_granularity));
        } catch (error) {
          const verdict = blame(error);
          if (verdict === undefined) throw error;
          lost = !(error instanceof ShapeError && error.inStep);
          const end = lost ? "; nothing more was asked" : "";
          answers.push(`${verdict}: ${(error as Error).message}${end}`);
        }
      }
      const contradiction = concluded(asked, answers);
      if (contradiction !== undefined) found.push(contradiction);
      if (lost) break;
    }
    return found;
  }

  /** The scenarios on connections. Gives back the sessions that are left, to be closed by the caller. */
  async #level2(
    sessions: readonly Session[],
    hello: Hello,
    unusable: ReadonlyMap<string, unknown>,
  ): Promise<readonly Session[]> {
    const { corpus, filter, way } = this.#plan;
    const profile = (name: string) => this.#plan.profile(name) && !unusable.has(name);
    const none = selected({ corpus, filter, profile }).next().done;
    // A recording has no connections but the link.
    if (none || way.kind === "replay") return sessions;
    const able = hello.capabilities.includes(CAPABILITY);
    const { capture } = this.#plan;
    // One scenario after the other, so that the same run gives the same packets.
    const [used, unused] = capture === undefined ? [sessions, []] : [sessions.slice(0, 1), sessions.slice(1)];
    const left = await runLevel2(used, {
      ...(capture && { capture }),
      ...{ corpus, hello, filter, profile },
      notApplicable: (about) => notApplicable(about, hello),
      runtime: able ? await this.#plan.runtime() : { kernelTakes: 0 },
      deadline: this.#deadline.base,
      reopen: () => this.#reopen(),
      settle: (outcome) => {
        const settled = this.#settle(outcome);
        this.#plan.beside?.(settled);
      },
      left: (name) => this.#left(name),
    });
    return [...left, ...unused];
  }

  async #open(): Promise<Session> {
    const { way, welcome, startDeadline, log, tap } = this.#plan;
    const number = ++this.#opened;
    const listen = tap && { tap: (event: LinkEvent) => tap(number, event) };
    try {
      const session = await Session.open(way, welcome, { deadline: startDeadline, number, log, ...listen });
      this.#first ??= session.hello;
      const other = otherHello(this.#first, session.hello);
      if (other === undefined) return session;
      await session.close();
      throw new ShapeError(other);
    } catch (error) {
      const kind = error instanceof LinkError ? error.kind : "shape";
      tap?.(number, { failed: { kind, message: error instanceof Error ? error.message : String(error) } });
      throw error;
    }
  }

  async #reopen(): Promise<Session | undefined> {
    const { restarts: most = RESTARTS } = this.#plan;
    while (this.#restarts < most) {
      this.#restarts++;
      try {
        return await this.#open();
      } catch (error) {
        if (blame(error) === undefined) throw error;
        this.#plan.log(`restart ${this.#restarts} of ${most} failed: ${(error as Error).message}`);
      }
    }
    return undefined;
  }

  /** The next case that this IUT is to be put to; settles those before it that do not apply. */
  #next(hello: Hello, unusable: ReadonlyMap<string, unknown>): ReturnType<Agenda["next"]> {
    for (let next = this.#agenda.next(); next !== undefined; next = this.#agenda.next()) {
      const { about, place } = next;
      const { id, profile } = about;
      const reason = this.#plan.profile(profile) ? notApplicable(about, hello) : undefined;
      if (reason !== undefined) {
        if (undeclared(about, hello) !== undefined) this.#claims.left(about, hello);
        this.#settle({ id, profile, verdict: "not applicable", case: about, text: reason }, place);
      } else if (!this.#plan.profile(profile) || unusable.has(profile)) {
        this.#agenda.left(place);
        if (this.#plan.profile(profile)) this.#left(profile);
      } else {
        return next;
      }
    }
    return undefined;
  }

  /** Gives back the session that is left, to be closed by the caller. */
  async #work(session: Session, unusable: ReadonlyMap<string, unknown>): Promise<Session | undefined> {
    let current: Session | undefined = session;
    let turn = performance.now();
    const { hello } = session;
    for (let next = this.#next(hello, unusable); next !== undefined; next = this.#next(hello, unusable)) {
      this.#claims.put(next.about);
      const { outcome, lost } = await this.#put(current, next.about);
      this.#settle(outcome, next.place);
      if (lost) {
        await current.close();
        current = await this.#reopen();
        if (current === undefined) return undefined;
      }
      // In process nothing else gives the event loop a turn, and progress needs one.
      if (!current.link.wire && performance.now() - turn > 50) {
        await new Promise((resolve) => setImmediate(resolve));
        turn = performance.now();
      }
    }
    return current;
  }

  async #put(session: Session, next: Case): Promise<Put> {
    const { id, profile, role, limits, steps } = next;
    const deadline = this.#deadline.of(next);
    const ask = (given: readonly Step[]) => session.ask({ id, profile, role, limits, steps: given }, { deadline });
    let answer: Answer;
    const resident = next.requires?.[0] === "memory" ? watchResident(session.link.group) : undefined;
    try {
      const asked = ask(steps);
      answer = asked instanceof Promise ? await asked : asked;
    } catch (error) {
      return broken(next, error, session);
    }
    const outcome = this.#judge(next, answer, session);
    if (resident === undefined || outcome.verdict !== "pass") return { outcome, lost: false };
    const grown = resident.grown();
    const measured = await this.#measured(next, grown ?? 0, ask, session);
    if (measured !== undefined) return measured;
    if (grown !== undefined || this.#plan.measured !== undefined) return { outcome, lost: false };
    const unwatched: Outcome = { ...outcome, unwatched: true };
    this.#plan.beside?.(unwatched);
    return { outcome: unwatched, lost: false };
  }

  /**
   * What the right answer does not say: that the process grew too far, or that the time grows with more than the bytes. Undefined where there
   * is nothing to say. A replay cannot measure it again: it says what was recorded. r[iut.record.complete]
   */
  async #measured(
    next: Case,
    grown: number,
    ask: (steps: readonly Step[]) => Answer | Promise<Answer>,
    session: Session,
  ): Promise<Put | undefined> {
    const { id, profile, steps, half } = next;
    if (this.#plan.measured !== undefined) {
      const outcome = this.#plan.measured(id);
      return outcome && { outcome, lost: false };
    }
    const about = { id, profile, case: next };
    let put: Put | undefined;
    const text = overgrown(grown);
    if (text !== undefined) {
      put = { outcome: { ...about, verdict: "fail", text }, lost: false };
    } else if (half !== undefined) {
      try {
        const slow = await paceOf(async (which) => ask(which === "half" ? half : steps));
        if (slow !== undefined) put = { outcome: { ...about, verdict: "warn", text: slow }, lost: false };
      } catch (error) {
        put = broken(next, error, session);
      }
    }
    if (put !== undefined) this.#plan.beside?.(put.outcome);
    return put;
  }

  #judge(next: Case, answer: Answer, session: Session): Outcome {
    const { id, profile, level } = next;
    if (answer.op === "declined") {
      const text = answer.text === undefined ? answer.reason : `${answer.reason}: ${answer.text}`;
      return { id, profile, verdict: "declined", case: next, text: answer.issue ? `${text} (${answer.issue})` : text };
    }
    // r[iut.errored.verdict]
    const wrong = level === "must" ? "fail" : "warn";
    if (answer.op === "errored") return { id, profile, verdict: wrong, case: next, text: answer.text };
    const difference = judgeCase(next, answer.steps, session.hello.error_granularity);
    if (difference === null) {
      this.#choices.note(next, answer.steps, session.hello.error_granularity);
      const alternative = alternativeOf(next, answer.steps, session.hello.error_granularity);
      return { id, profile, verdict: "pass", ...(alternative !== undefined && { alternative }) };
    }
    return { id, profile, verdict: wrong, case: next, actual: answer.steps, difference };
  }

  /** Gives back what is kept of an outcome. Without a place it stands behind all that has been told. */
  #settle(whole: Outcome, place?: Place): Outcome {
    const outcome = trimmed(whole);
    this.#plan.progress(outcome);
    if (place === undefined) this.#tell(outcome);
    else this.#agenda.settle(place, outcome);
    return outcome;
  }

  #tell(outcome: Outcome): void {
    this.#outcomes.push(outcome);
    this.#plan.told(outcome);
  }

  #left(profile: string): void {
    this.#notRun.set(profile, (this.#notRun.get(profile) ?? 0) + 1);
  }
}

/** A case that ended without an answer to judge. */
function broken(about: Case, error: unknown, { link }: Session): Put {
  const { id, profile } = about;
  const text = error instanceof Error ? error.message : String(error);
  const verdict = blame(error) ?? "harness error";
  return {
    outcome: { id, profile, case: about, verdict, text, record: link.record.lines() },
    lost: !(error instanceof ShapeError && error.inStep),
  };
}
