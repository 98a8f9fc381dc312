/** What we read of Stryker's report (the mutation-testing-report-schema). Lines and columns are from 1. */
export interface StrykerReport {
  readonly files: Readonly<Record<string, { readonly source: string; readonly mutants: readonly StrykerMutant[] }>>;
}

interface StrykerMutant {
  readonly mutatorName: string;
  readonly replacement?: string;
  readonly status: string;
  readonly location: { readonly start: Position; readonly end: Position };
}

interface Position {
  readonly line: number;
  readonly column: number;
}

/** A mutant that no test and no check noticed. */
export interface Survivor {
  readonly file: string;
  readonly line: number;
  /** How `SURVIVORS.md` names it: `file: what stood there → what replaced it`, without a line number. */
  readonly key: string;
  /** It changes a text for people alone, which nothing compares. */
  readonly text: boolean;
}

const DEAD = new Set(["Killed", "Timeout", "CompileError", "RuntimeError"]);

export function survivors({ files }: StrykerReport): { total: number; alive: Survivor[] } {
  let total = 0;
  const alive: Survivor[] = [];
  for (const [file, { source, mutants }] of Object.entries(files)) {
    for (const { mutatorName, replacement = "", status, location } of mutants) {
      if (status === "Ignored") continue;
      total++;
      if (DEAD.has(status)) continue;
      const original = cut(source, location.start, location.end);
      alive.push({
        file,
        line: location.start.line,
        key: `${file.split("/").slice(-1)}: ${short(original)} → ${short(replacement)}`,
        text: mutatorName === "StringLiteral" && original.includes(" "),
      });
    }
  }
  return { total, alive };
}

export function explained({ key }: Pick<Survivor, "key">, page: string): boolean {
  return page.includes(`\`\`${key}\`\``);
}

function cut(source: string, start: Position, end: Position): string {
  const lines = source.split("\n").slice(start.line - 1, end.line);
  lines[lines.length - 1] = lines.at(-1)!.slice(0, end.column - 1);
  lines[0] = lines[0]!.slice(start.column - 1);
  return lines.join("\n");
}

/** One line, without what would end a line of code in Markdown. */
function short(text: string): string {
  return text.replaceAll(/\s+/g, " ").replaceAll("`", "'");
}
