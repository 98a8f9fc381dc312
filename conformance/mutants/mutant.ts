/** A deliberately broken reference: one piece of one source file, replaced. */
export interface Mutant {
  /** `<area>/<what is wrong>`: never used again for something else. */
  readonly id: string;
  /** Rules of `spec/` that it breaks: for each of them a check that names it must fail. */
  readonly rules: readonly string[];
  /** From the root of the repository. */
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** One sentence: what is wrong with it. */
  readonly why: string;
  /**
   * It is put to scenarios of level 2, in a process of its own: to those of ranks, or to the others; or to unit tests of the project, where
   * nothing that the harness does can show the rule. Otherwise to the cases of levels 1 and 3, in one process with others.
   */
  readonly at?: "ranks" | "wire" | "tests";
  /**
   * At level 2: ids or patterns of scenarios that it is put to before any other, where few of its rules' scenarios can tell. With
   * `tests`: the files of the tests.
   */
  readonly by?: readonly string[];
  /** Where this, or its like, really happened. */
  readonly defect?: string;
}

/** A mutant that cannot be made: the source has changed under it. */
export class MutantDefect extends Error {
  override readonly name = "MutantDefect";
}

/** The text of the mutant's file with its piece replaced. */
export function mutate({ id, file, find, replace }: Mutant, source: string): string {
  const first = source.indexOf(find);
  if (first < 0) throw new MutantDefect(`${id}: ${file} does not hold ${JSON.stringify(find)}`);
  if (source.indexOf(find, first + 1) >= 0) {
    throw new MutantDefect(`${id}: ${file} holds ${JSON.stringify(find)} more than once`);
  }
  if (find === replace) throw new MutantDefect(`${id}: it changes nothing`);
  return source.slice(0, first) + replace + source.slice(first + find.length);
}
