/** The corpus itself is wrong: a file that fails its schema or its hash, a name that leads nowhere. Exit status 4. */
export class CorpusDefect extends Error {
  override readonly name = "CorpusDefect";
}
