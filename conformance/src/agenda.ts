import type { Case, Corpus } from "./corpus/types.ts";
import { seededBytes } from "./random.ts";
import type { Outcome } from "./verdict.ts";

/** Where an outcome belongs: among those of its block. */
export interface Place {
  readonly block: Block;
  readonly index: number;
}

/** The cases of one vector, or all those of level 3. */
interface Block {
  readonly cases: () => Iterable<Case>;
  /** Undefined as long as a case is under way, null where it came to nothing. */
  readonly outcomes: (Outcome | null | undefined)[];
  /** No further case is to come. */
  done: boolean;
}

export interface AgendaOptions {
  readonly corpus: Corpus;
  readonly filter: (id: string) => boolean;
  readonly seed: string;
  /** Hears each outcome in the order of the corpus, as soon as all before it have come. */
  readonly tell: (outcome: Outcome) => void;
}

/**
 * The cases of a run. The vectors of level 1 are put in an order that follows from the seed, so that what one leaves behind does not
 * always meet the same other one; each with all its cases, in a row. What comes of them is told in the order of the corpus all the
 * same. Any two vectors stand in the same order whatever else is selected. r[iut.order.shuffled]
 */
export class Agenda {
  readonly #blocks: readonly Block[];
  readonly #turns: Iterator<Block>;
  readonly #tell: (outcome: Outcome) => void;
  #now: { readonly block: Block; readonly cases: Iterator<Case> } | undefined;
  /** How much has been told: blocks, and outcomes of the next one. */
  #told = 0;
  #toldOf = 0;

  constructor({ corpus, filter, seed, tell }: AgendaOptions) {
    this.#tell = tell;
    const block = (cases: Block["cases"]): Block => ({ cases, outcomes: [], done: false });
    // A corpus may narrow by vector, and has to by id.
    const ofVector = (vector: string) => () => {
      const mine = (id: string) => id === vector || id.startsWith(`${vector}#`);
      return corpus.cases(
        (id) => mine(id) && filter(id),
        (other) => other === vector,
      );
    };
    const vectors = vectorsOf(corpus).map((vector) => ({ vector, block: block(ofVector(vector)) }));
    const level3 = block(() => corpus.probes?.(filter) ?? []);
    const rank = ({ vector }: { readonly vector: string }) => seededBytes(seed, `order ${vector}`, 8);
    const ranked = vectors.map((each) => ({ ...each, rank: rank(each) }));
    const shuffled = ranked.sort((a, b) => Buffer.compare(a.rank, b.rank));
    this.#blocks = [...vectors.map((each) => each.block), level3];
    this.#turns = [...shuffled.map((each) => each.block), level3][Symbol.iterator]();
  }

  /** The next case to put, and its place: each place is to be settled or left. */
  next(): { readonly about: Case; readonly place: Place } | undefined {
    for (;;) {
      if (this.#now === undefined) {
        const turn = this.#turns.next();
        if (turn.done === true) return undefined;
        this.#now = { block: turn.value, cases: turn.value.cases()[Symbol.iterator]() };
      }
      const { block, cases } = this.#now;
      const { done, value } = cases.next();
      if (done !== true) return { about: value, place: { block, index: block.outcomes.push(undefined) - 1 } };
      block.done = true;
      this.#now = undefined;
      this.#release();
    }
  }

  settle({ block, index }: Place, outcome: Outcome): void {
    block.outcomes[index] = outcome;
    this.#release();
  }

  /** Nothing comes of it. */
  left({ block, index }: Place): void {
    block.outcomes[index] = null;
    this.#release();
  }

  /** Tells what there is, where a run breaks off. */
  breakOff(): void {
    for (const block of this.#blocks) {
      for (const [index, outcome] of block.outcomes.entries()) if (outcome === undefined) block.outcomes[index] = null;
      block.done = true;
    }
    this.#release();
  }

  #release(): void {
    for (let block = this.#blocks[this.#told]; block !== undefined; block = this.#blocks[++this.#told]) {
      for (; this.#toldOf < block.outcomes.length; this.#toldOf++) {
        const outcome = block.outcomes[this.#toldOf];
        if (outcome === undefined) return;
        if (outcome !== null) this.#tell(outcome);
      }
      if (!block.done) return;
      this.#toldOf = 0;
      block.outcomes.length = 0;
    }
  }
}

/** In the order of the corpus. One that names no vector is asked for its cases' names. */
function vectorsOf(corpus: Corpus): string[] {
  const found = new Set<string>();
  const note = (id: string) => {
    found.add(id.split("#", 1)[0] ?? id);
    return false;
  };
  // Nothing passes, so nothing is built.
  for (const _ of corpus.cases(note, note));
  return [...found];
}
